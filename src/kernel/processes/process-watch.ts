import * as native from '#native';
import type { ActorAddress } from '../../core/actor-address.ts';
import { SystemError } from '../../core/fault.ts';
import { startTicksOf } from './process-start.ts';

/** Notifies owners of the end of their process, by pidfd. A pid reused by another process counts as ended. */
export class ProcessWatch {
  readonly #watches = new Map<ActorAddress, { pid: number; startTicks: number; watch: native.Watch }>();
  #listener: (owner: ActorAddress, pid: number) => void = () => {};

  onExit(listener: (owner: ActorAddress, pid: number) => void): void {
    this.#listener = listener;
  }

  /** Watches a process; returns its start time in clock ticks since boot. Throws ESRCH if it has ended. */
  watch(owner: ActorAddress, pid: number, startTicks: number | null): number {
    const known = this.#watches.get(owner);
    if (known?.pid === pid) return known.startTicks;
    this.unwatch(owner);
    // the watch first: later reads are of the process that the pidfd refers to
    const watch = native.watchProcess(pid, () => this.#exited(owner, pid));
    watch.unref();
    const started = startTicksOf(pid);
    if (started === null || (startTicks !== null && started !== startTicks)) {
      watch.close();
      throw new SystemError('watch process', 'ESRCH', `process ${pid} has ended`);
    }
    this.#watches.set(owner, { pid, startTicks: started, watch });
    return started;
  }

  unwatch(owner: ActorAddress): void {
    this.#watches.get(owner)?.watch.close();
    this.#watches.delete(owner);
  }

  close(): void {
    for (const owner of [...this.#watches.keys()]) this.unwatch(owner);
  }

  #exited(owner: ActorAddress, pid: number): void {
    this.unwatch(owner);
    this.#listener(owner, pid);
  }
}
