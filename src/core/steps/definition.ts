import type { NetworkDefinition } from '../network/definition.ts';
import { inDetail, type StepKinds } from './kind.ts';

export interface DefinitionSteps {
  /** the file of a network's definition; `previous` is its former content */
  'definition.write': { definition: NetworkDefinition; previous: NetworkDefinition | null };
  'definition.remove': { name: string };
}

const full = { code: 'storage.full' } as const;

export const definitionSteps: StepKinds<keyof DefinitionSteps> = {
  'definition.write': {
    inverse: ({ definition, previous }) =>
      previous
        ? { verb: 'definition.write', definition: previous, previous: definition }
        : { verb: 'definition.remove', name: definition.name },
    describe: ({ definition }) => definition.name,
    faults: {
      EEXIST: { code: 'network.exists', words: inDetail },
      EUCLEAN: { code: 'network.damaged', words: inDetail },
      ENOSPC: full,
      EDQUOT: full,
    },
  },
  'definition.remove': { inverse: null, describe: ({ name }) => name },
};
