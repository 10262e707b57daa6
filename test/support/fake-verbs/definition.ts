import type { DefinitionSteps } from '../../../src/core/steps/definition.ts';
import type { FakeLinux } from '../fake-linux.ts';
import type { FakeVerbs } from './verb.ts';

export const definitionVerbs = ({ definitions }: FakeLinux): FakeVerbs<keyof DefinitionSteps> => ({
  'definition.write': { perform: ({ definition }) => void definitions.set(definition.name, definition) },
  'definition.remove': { perform: ({ name }) => void definitions.delete(name) },
});
