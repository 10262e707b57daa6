import type { DefinitionSteps } from '../../core/steps/definition.ts';
import type { KernelServices } from '../services.ts';
import { acts, type Performers } from './performer.ts';

export const definitionPerformers = (
  definitions: KernelServices['definitions'],
): Performers<keyof DefinitionSteps> => ({
  'definition.write': acts(({ definition, previous }) => definitions.write(definition, previous)),
  'definition.remove': acts(({ name }) => definitions.remove(name)),
});
