import type { PortLedger } from '../../src/core/claims.ts';
import { forwardingViews } from '../../src/core/forwarding.ts';
import type { ForwardingView } from '../../src/core/view.ts';
import type { HostContext } from './context.ts';

/** The host's committed state as users see it. */
export interface HostView {
  /** forwarded families, since when, and whether for foreign links as well */
  forwarding: ForwardingView[];
  /** container ID → the host ports that it holds, or is about to hold */
  ports: PortLedger;
}

/** Returns the view; context null: the daemon has not started on this host yet. */
export const hostView = (context: HostContext | null): HostView =>
  context
    ? { forwarding: forwardingViews(context.forwarding, context.forwardForeign), ports: context.ports }
    : { forwarding: [], ports: {} };
