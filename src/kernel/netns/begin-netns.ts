import { beginNetns as begin, shareNetnsDirectory } from '#native';
import { namespaceSysctls } from '../../core/plan/interface-settings.ts';

export { shareNetnsDirectory };

/** Begins a container's namespace on a native thread, before a worker asks for it. Never throws. */
export const beginNetns = (path: string): void => begin(path, namespaceSysctls);
