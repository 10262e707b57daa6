import { expect, it, onTestFinished } from 'vitest';
import { type FromProbe, type Probe, startProbe } from './probe.ts';

const lost = { fault: { code: 'worker.lost', message: 'the probe ended' } };

async function probeThat(hear?: (said: FromProbe) => void): Promise<Probe> {
  const probe = startProbe({}, hear);
  onTestFinished(() => probe.stop());
  await probe.ready;
  return probe;
}

it('answers each call of a thread with the output of its own verb, whatever the order', async () => {
  const probe = await probeThat();
  const sums = [1, 2, 3].map((one) => probe.call('add', { one, other: 10 }));
  expect(await Promise.all(sums)).toEqual([11, 12, 13]);
});

it('rejects a call with the fault that the thread threw, and anything else as unexpected', async () => {
  const probe = await probeThat();
  const taken = { code: 'port.taken', message: 'host port 80/tcp is in use', errno: 'EADDRINUSE' };
  await expect(probe.call('refuse', null)).rejects.toMatchObject({ name: 'NetloomError', fault: taken });
  await expect(probe.call('stumble', null)).rejects.toMatchObject({
    fault: { code: 'internal.unexpected', message: 'x is not a function' },
  });
});

it('takes notices of a thread, and gives it notices, without an answer', async () => {
  let heard = (_: FromProbe): void => {};
  const echo = new Promise<FromProbe>((resolve) => {
    heard = resolve;
  });
  const probe = await probeThat((said) => heard(said));
  probe.tell({ kind: 'say', word: 'hello' });
  expect(await echo).toEqual({ kind: 'echo', word: 'hello' });
});

it('answers every open call with worker.lost when the thread ends, and each later one', async () => {
  const probe = await probeThat();
  const open = [probe.call('wait', null), probe.call('wait', null)];
  const outcomes = Promise.allSettled(open);
  const rejected = { status: 'rejected', reason: expect.objectContaining(lost) };
  await expect(probe.call('exit', 3)).rejects.toMatchObject(lost);
  expect(await outcomes).toEqual([rejected, rejected]);
  expect(await probe.exited).toEqual({ exitCode: 3, error: null });
  await expect(probe.call('add', { one: 1, other: 1 })).rejects.toMatchObject(lost);
});

it('rejects the start of a thread that fails before it serves, with the reason', async () => {
  const probe = startProbe({ failing: true });
  await expect(probe.ready).rejects.toMatchObject({
    fault: { code: 'worker.lost', message: 'the probe ended: no room for it' },
  });
  expect(await probe.exited).toMatchObject({ exitCode: 1, error: { message: 'no room for it' } });
});

it('ends a thread wherever it is', async () => {
  const probe = await probeThat();
  const open = probe.call('wait', null);
  void open.catch(() => {});
  await probe.stop();
  await expect(open).rejects.toMatchObject(lost);
});
