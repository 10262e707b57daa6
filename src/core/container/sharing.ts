import { type Fault, fault } from '../fault.ts';
import type { ContainerWish } from './wish.ts';

/** B04: detects a cycle: following `container:<id>` from wish to wish would lead back to this wish. */
export function sharingCycle(wish: ContainerWish, wishOfContainer: (id: string) => ContainerWish | null): Fault | null {
  const passed = [wish.id];
  for (let next: ContainerWish | null = wish; next?.netns.kind === 'container'; ) {
    const { id }: { id: string } = next.netns;
    if (id === wish.id)
      return fault('netns.cycle', `containers share each other's namespaces: ${[...passed, id].join(' → ')}`);
    // a cycle that this wish leads to but is not part of is the others' fault, and is not followed forever
    if (passed.includes(id)) return null;
    passed.push(id);
    next = wishOfContainer(id);
  }
  return null;
}
