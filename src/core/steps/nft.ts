import { describeElement, type Element } from '../firewall/nft.ts';
import { describePort, type PublishedPort } from '../port.ts';
import type { StepKinds } from './kind.ts';

export interface NftSteps {
  /** nft -f base.nft, unless that very ruleset is loaded */
  'nft.load': object;
  /** nft add element inet|bridge netloom … (one batch) */
  'nft.add': { elements: Element[] };
  /** nft delete element inet|bridge netloom … (one batch) */
  'nft.delete': { elements: Element[] };
  /** both in one transaction: no packet meets an intermediate state */
  'nft.replace': { remove: Element[]; add: Element[] };
  /**
   * conntrack -D -p udp --orig-port-dst <port>: existing flows keep their old target until they are forgotten. Follows the step
   * that changes where ports lead; if that step changed nothing, flows are left alone
   */
  'conntrack.flush': { ports: PublishedPort[] };
}

function describeElements(elements: readonly Element[]): string {
  const [first, ...rest] = elements;
  if (!first) return '(none)';
  return rest.length > 3
    ? `${describeElement(first)} and ${rest.length} more`
    : elements.map(describeElement).join(', ');
}

export const nftSteps: StepKinds<keyof NftSteps> = {
  'nft.load': { inverse: null, describe: () => '' },
  'nft.add': {
    inverse: (step) => ({ ...step, verb: 'nft.delete' }),
    describe: ({ elements }) => describeElements(elements),
  },
  'nft.delete': { inverse: null, describe: ({ elements }) => describeElements(elements) },
  'nft.replace': {
    inverse: ({ remove, add }) => ({ verb: 'nft.replace', remove: add, add: remove }),
    describe: ({ remove, add }) => `${describeElements(remove)} by ${describeElements(add)}`,
  },
  'conntrack.flush': { inverse: null, describe: ({ ports }) => ports.map(describePort).join(', ') },
};
