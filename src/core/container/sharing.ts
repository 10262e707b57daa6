import { type Fault, fault } from '../fault.ts';
import type { ContainerWish } from './wish.ts';

/** B04: following `container:<id>` from wish to wish, it never ends where this wish would come back to itself. */
export function sharingCycle(wish: ContainerWish, wishOfContainer: (id: string) => ContainerWish | null): Fault | null {
  const passed = [wish.id];
  for (let next: ContainerWish | null = wish; next?.netns.kind === 'container'; ) {
    const { id }: { id: string } = next.netns;
    if (id === wish.id)
      return fault('netns.cycle', `containers share each other's namespaces: ${[...passed, id].join(' → ')}`);
    // a circle that this wish only leads to is the others' fault, and is not walked for ever
    if (passed.includes(id)) return null;
    passed.push(id);
    next = wishOfContainer(id);
  }
  return null;
}
