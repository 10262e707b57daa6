import { describe, expect, it } from 'vitest';
import { containerAddress } from '../../../src/core/actor-address.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import { describeKernels, facts, refused, succeed, until, world } from './kernels.ts';

describeKernels(() => {
  describe('processes', () => {
    const watch = (pid: number, startTicks: number | null = null): Step => ({
      verb: 'process.watch',
      owner: 'container/web',
      pid,
      startTicks,
    });
    const unwatch: Step = { verb: 'process.unwatch', owner: 'container/web' };

    it('processes are reported when they end, once', async () => {
      facts.length = 0;
      const process = await world.startProcess();
      const [output] = await succeed(watch(process.pid));
      expect(output).toEqual({ startTicks: expect.any(Number) });
      expect(await succeed(watch(process.pid, output?.startTicks ?? 0))).toEqual([output]);
      await process.end();
      await until(() => facts.length > 0);
      expect(facts).toEqual([['container/web', { type: 'process.exited', pid: process.pid }]]);
    });

    it('processes cannot be watched after their end: ESRCH', async () => {
      const process = await world.startProcess();
      await process.end();
      expect(await refused(watch(process.pid))).toMatchObject({ errno: 'ESRCH' });
    });

    it('processes are distinguished from later ones with the same PID by their start time: ESRCH', async () => {
      const process = await world.startProcess();
      const [output] = await succeed(watch(process.pid), unwatch);
      expect(await refused(watch(process.pid, (output?.startTicks ?? 0) + 1))).toMatchObject({ errno: 'ESRCH' });
      await process.end();
    });

    it('processes are not reported once they are no longer watched; unwatching an unwatched one succeeds', async () => {
      facts.length = 0;
      const process = await world.startProcess();
      await succeed(watch(process.pid), unwatch, unwatch);
      await process.end();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(facts).toEqual([]);
    });
  });

  describe('P18 deadlines', () => {
    const owner = containerAddress('web');
    const set = (withinMs: number, at: number | null = null): Step => ({
      verb: 'deadline.set',
      owner,
      deadline: 'start',
      withinMs,
      at,
    });
    const clear: Step = { verb: 'deadline.clear', owner };

    it('P18 deadlines are reported when they have passed, once each', async () => {
      facts.length = 0;
      const before = Date.now();
      const [output] = await succeed(set(20));
      const at = output?.deadlineAt ?? 0;
      expect(at).toBeGreaterThanOrEqual(before + 20);
      await until(() => facts.length > 0);
      expect(Date.now()).toBeGreaterThanOrEqual(at);
      expect(facts).toEqual([[owner, { type: 'deadline.passed', command: null, deadline: 'start', at }]]);
    });

    it('P18 deadlines set with a time of their own keep it, and are reported at once when it has passed', async () => {
      facts.length = 0;
      expect(await succeed(set(60_000, 5))).toEqual([{ deadlineAt: 5 }]);
      await until(() => facts.length > 0);
      expect(facts).toMatchObject([[owner, { at: 5 }]]);
    });

    it('P18 deadlines are not reported once they are replaced or cleared', async () => {
      facts.length = 0;
      await succeed(set(60_000, 1), set(60_000, 2), clear, clear, set(60_000, 3));
      await until(() => facts.length > 0);
      expect(facts).toMatchObject([[owner, { at: 3 }]]);
      await succeed(set(60_000), clear);
    });

    it('B08 deadlines of claims that wait in one owner are reported and cleared one by one', async () => {
      facts.length = 0;
      const [one, two] = ['network/one', 'network/two'] as const;
      const wait = (claimant: typeof one | typeof two, at: number): Step => ({ ...set(60_000, at), claimant }) as Step;
      await succeed(wait(one, 1), wait(two, Date.now() + 60_000), { ...clear, claimant: two }, set(60_000, 2));
      await until(() => facts.length > 1);
      expect(facts).toMatchObject([
        [owner, { at: 1, claimant: one }],
        [owner, { at: 2 }],
      ]);
    });
  });
});
