import type { HostEvent } from '../../src/core/event.ts';
import { deciding, remembering, resolving } from '../effects.ts';
import type { HostContext } from './context.ts';

/** What the actions and guards of the host's machine are made of. */

export type Given = { context: HostContext; event: HostEvent };

export const decide = deciding<HostContext, HostEvent>();

export const remember = remembering<HostContext, HostEvent>();

export const resolve = resolving<HostContext, HostEvent>();
