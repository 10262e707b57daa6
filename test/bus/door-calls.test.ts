import { describe, expect, it } from 'vitest';
import { attach, detach } from '../../src/bus/commands/attach.ts';
import { DoorCalls } from '../../src/engine/door-calls.ts';
import { FakeEngine } from './support.ts';

/** What doors ask for on the bus and by files has one order. */

const command = { id: 'm1', kept: false };
const setUp = (engine: FakeEngine, call: string) => attach(engine, { id: 'web', mode: 'none', call }, command);
const takeBack = (engine: FakeEngine, call: string) => detach(engine, { id: 'web', networks: [], call }, command);
const sent = (engine: FakeEngine) => engine.sent.map(({ event }) => event.type);

describe('a set-up that was taken back', () => {
  it('a set-up that arrives after it was taken back is refused, and the next one is not', async () => {
    const engine = new FakeEngine();
    await takeBack(engine, 'one');
    await expect(setUp(engine, 'one')).rejects.toMatchObject({ code: 'container.state' });
    await setUp(engine, 'two');
    expect(sent(engine)).toEqual(['container.detach', 'container.attach']);
  });

  it('a set-up waits for stored teardowns, and is refused if one of them takes it back', async () => {
    const engine = new FakeEngine();
    const waited: string[] = [];
    engine.doorCalls.follow({
      async done(id) {
        waited.push(id);
        await takeBack(engine, 'one');
      },
    });
    await expect(setUp(engine, 'one')).rejects.toMatchObject({ code: 'container.state' });
    await setUp(engine, 'two');
    expect(waited).toEqual(['web', 'web']);
    expect(sent(engine)).toEqual(['container.detach', 'container.detach', 'container.attach']);
  });

  it('a limited number of calls that were taken back is remembered, the last ones', () => {
    const calls = new DoorCalls();
    for (let index = 0; index <= 1_000; index++) calls.takeBack(`${index}`);
    expect(() => calls.refuseTakenBack('0')).not.toThrow();
    for (const call of ['1', '1000']) expect(() => calls.refuseTakenBack(call)).toThrow();
  });
});
