import { EventEmitter, once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { Supervisor } from '../../src/threads/supervisor.ts';
import type { ThreadEnd } from '../../src/threads/thread.ts';
import { type Probe, startProbe } from './probe.ts';

/** What a supervisor reports, in order; and as events to wait for. */
class Log extends EventEmitter {
  readonly said: string[] = [];

  note(event: string, detail = ''): void {
    this.said.push(detail ? `${event}: ${detail}` : event);
    this.emit(event);
  }
}

interface Kept {
  probes: Supervisor<Probe, ThreadEnd>;
  log: Log;
}

/** Keeps probes going; `failing` tells which of the later ones fail, the first of these is 1. */
async function keepProbes(failing: (which: number) => boolean = () => false): Promise<Kept> {
  const log = new Log();
  let begun = 0;
  const first = startProbe();
  await first.ready;
  const probes = new Supervisor(first, {
    begin: () => {
      log.note('begun');
      return startProbe({ failing: failing(++begun) });
    },
    prepare: ({ ready }) => ready,
    lost: ({ exitCode }) => log.note('lost', `${exitCode}`),
    restarted: () => log.note('restarted'),
    failed: (error) => log.note('failed', (error as Error).message),
  });
  onTestFinished(() => probes.stop());
  probes.keep();
  return { probes, log };
}

const crash = ({ current }: Supervisor<Probe, ThreadEnd>, exitCode = 1) =>
  current?.call('exit', exitCode).catch(() => {});

it('starts a thread again that ended by itself, and reports both', async () => {
  const { probes, log } = await keepProbes();
  const first = probes.current;
  const restarted = once(log, 'restarted');
  await crash(probes, 7);
  await restarted;
  expect(log.said).toEqual(['lost: 7', 'begun', 'restarted']);
  expect(probes.current).not.toBe(first);
  expect(await probes.current?.call('add', { one: 1, other: 2 })).toBe(3);
});

it('has no current life between two of them', async () => {
  const { probes, log } = await keepProbes();
  const lost = once(log, 'lost');
  const restarted = once(log, 'restarted');
  await crash(probes);
  await lost;
  expect(probes.current).toBeNull();
  await restarted;
});

it('tries again after a life that could not be prepared, until one can', async () => {
  const { probes, log } = await keepProbes((which) => which < 3);
  const restarted = once(log, 'restarted');
  await crash(probes);
  await restarted;
  const failure = 'failed: the probe ended: no room for it';
  expect(log.said).toEqual(['lost: 1', 'begun', failure, 'begun', failure, 'begun', 'restarted']);
});

it('waits longer after each life that ends soon, and not at all after one whose end was wanted', async () => {
  const { probes, log } = await keepProbes();
  log.on('lost', () => setTimeout(() => log.note('150 ms'), 150));
  const restart = async () => {
    const next = Promise.all([once(log, 'restarted'), once(log, '150 ms')]);
    log.said.length = 0;
    await crash(probes);
    await next;
    return log.said.filter((said) => said === 'begun' || said === '150 ms');
  };
  const firstFour = [await restart(), await restart(), await restart(), await restart()];
  expect(firstFour[0]).toEqual(['begun', '150 ms']);
  expect(firstFour[3]).toEqual(['150 ms', 'begun']);
  probes.expectEnd();
  expect(await restart()).toEqual(['begun', '150 ms']);
});

it('starts no life once it is stopped, also if it is between two of them', async () => {
  const { probes, log } = await keepProbes();
  const lost = once(log, 'lost');
  await crash(probes);
  await lost;
  await probes.stop();
  expect(log.said).toEqual(['lost: 1']);
});

it('ends the current life in the way that is asked for, and does not report it as lost', async () => {
  const { probes, log } = await keepProbes();
  const { current } = probes;
  await probes.stop(async (probe) => {
    await probe.call('exit', 0).catch(() => {});
  });
  expect(await current?.exited).toEqual({ exitCode: 0, error: null });
  expect(log.said).toEqual([]);
});
