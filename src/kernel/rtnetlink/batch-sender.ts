import * as native from '#native';
import type { SettingDrift } from '../../core/plan/interface-settings.ts';
import { parentToWaitFor, retryUponNews } from '../links/taken-mac.ts';
import type { Run } from '../performers/performer.ts';
import { attempt } from '../system-fault.ts';
import { namespaceOf } from './batch.ts';
import { driftOf, isSet, isSpared, verifyExisting } from './existing-links.ts';
import { explainParent, settle } from './faults.ts';
import { type RtnetlinkStep, requestFor, takesAway } from './requests.ts';

type Faults = Map<RtnetlinkStep, native.SystemFault | null>;

/** Sender of rtnetlink requests: adjacent ones for the same namespace go in one send; each has its result. */
export class BatchSender {
  constructor(private readonly route: native.RouteSocket) {}

  async perform(group: readonly RtnetlinkStep[], first: number, run: Run): Promise<void> {
    const netns = namespaceOf(group[0] as RtnetlinkStep);
    const [socket, refused] = attempt(() => (netns === null ? this.route : run.sockets.open(netns)), 'open netns');
    if (!socket) {
      // the namespace is gone, and with it everything that a step could remove
      if (group.every(takesAway)) succeed(run, first, group.length);
      else run.failure = { index: first, ...refused };
      return;
    }
    const wanted = group.filter((step) => !isSpared(socket, step));
    const left = run.found ? wanted.filter((step) => !isSet(socket, step)) : wanted;
    const drifts = new Map(run.found ? left.map((step) => [step, driftOf(socket, step)]) : []);
    const faults = sendAll(socket, left);
    for (const [step, refused] of faults) faults.set(step, explainParent(this.route, step, refused));
    await this.#waitForTaken(socket, left, faults);
    for (const [offset, step] of group.entries()) {
      const refused = faults.get(step) ?? null;
      const fault = settle(step, refused) && verifyExisting(socket, step, refused);
      if (refused?.errno === 'EEXIST') run.found = true;
      if (!fault) succeed(run, first + offset, 1, drifts.get(step));
      if (!fault && !refused && left.includes(step) && !takesAway(step)) run.changed.push(first + offset);
      if (fault) run.failure ??= { index: first + offset, op: fault.op, errno: fault.errno, detail: fault.detail };
    }
  }

  /** Retries a step that was refused because a macvlan is still going away, and all steps after it. */
  async #waitForTaken(socket: native.RouteSocket, steps: readonly RtnetlinkStep[], faults: Faults): Promise<void> {
    for (const [index, step] of steps.entries()) {
      const refused = faults.get(step);
      const parent = refused && parentToWaitFor(socket, this.route, step, refused);
      if (!parent) continue;
      const last = await retryUponNews(parent.index, () => {
        const again = sendAll(socket, steps.slice(index));
        for (const later of steps.slice(index + 1))
          if (faults.get(later) !== null) faults.set(later, again.get(later) ?? null);
        return again.get(step) ?? null;
      });
      const detail = `another interface on ${parent.name} has its place`;
      faults.set(step, last?.errno === refused.errno ? { ...last, errno: 'EADDRINUSE', detail } : last);
    }
  }
}

/** Sends all requests at once; returns the fault of each. */
function sendAll(socket: native.RouteSocket, steps: readonly RtnetlinkStep[]): Faults {
  const faults = native.route(
    socket,
    steps.map((step) => requestFor(socket, step)),
  );
  return new Map(steps.map((step, index) => [step, faults[index] ?? null]));
}

function succeed(run: Run, first: number, count: number, drifted: SettingDrift[] = []): void {
  for (let index = first; index < first + count; index++) {
    run.done.push(index);
    run.outputs.push(drifted.length > 0 ? { drifted } : {});
  }
}
