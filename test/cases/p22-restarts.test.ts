import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, netloom } from '../cli/netloom.ts';
import { Lab } from '../support/lab.ts';

let lab: Lab;
const launched: ReturnType<typeof launch>[] = [];

beforeAll(async () => {
  // its nats-server has another port each time
  lab = await Lab.open(['--nats-port', '0']);
  await lab.client.network.create({ name: 'web' });
  await lab.client.container.setup({ id: 'c1', networks: [{ network: 'web' }] });
});
afterEach(async () => {
  for (const running of launched.splice(0)) {
    running.kill('SIGTERM');
    await running;
  }
});
afterAll(() => lab.close());

function start(...args: string[]) {
  const running = launch(lab.daemon, args);
  launched.push(running);
  const read = (of: unknown) => createInterface({ input: of as Readable });
  return { running, out: new Lines(read(running.stdout)), err: new Lines(read(running.stderr)) };
}

/** The output of a process, line by line. */
class Lines {
  readonly read: string[] = [];

  constructor(private readonly source: Interface) {
    source.on('line', (line) => void this.read.push(line));
  }

  /** Resolves at the first line that matches, among those already read and those to come. */
  async until(isIt: (line: string) => boolean): Promise<void> {
    while (!this.read.some(isIt)) await once(this.source, 'line');
  }

  async count(wanted: number): Promise<void> {
    while (this.read.length < wanted) await once(this.source, 'line');
  }
}

/** The first lines of a complete replay. */
async function replayed(count: number, ...args: string[]): Promise<string[]> {
  const { stdout } = await netloom(lab.daemon, ['events', '--since', 'all', ...args]);
  return stdout.split('\n').slice(0, count);
}

const streamed = (line: string) => (JSON.parse(line) as { streamsequence: number }).streamsequence;
const isOf = (fact: string, id: string) => (line: string) =>
  line.includes(`.${fact}"`) && line.includes(`"subject":"${id}"`);

describe.each(['stop', 'kill'] as const)('P22 after %s of the daemon', (how) => {
  it(`P22 events --follow continues without a gap and without repetition (${how})`, async () => {
    const { out } = start('events', '--follow', '--json', '--since', 'all');
    await out.until(isOf('configured', 'c1'));
    await lab.restart(how);
    const id = `after-${how}`;
    await lab.client.container.create({ id });
    await out.until(isOf('created', id));
    await lab.restart(how);
    await lab.client.container.remove({ id });
    await out.until(isOf('removed', id));
    const sequences = out.read.map(streamed);
    expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, index) => index + 1));
  });

  it(`P22 events --follow of one container continues without a gap and without repetition (${how})`, async () => {
    const filters = ['--container', 'c1', '--filter', 'event=configured', '--filter', 'event=adopted', '--json'];
    const { out } = start('events', '--follow', '--since', 'all', ...filters);
    await out.until(isOf('configured', 'c1'));
    const before = (await lab.client.container.list()).streamSequence as number;
    await lab.restart(how);
    await out.until((line) => isOf('adopted', 'c1')(line) && streamed(line) > before);
    const between = (await lab.client.container.list()).streamSequence as number;
    await lab.restart(how);
    await out.until((line) => isOf('adopted', 'c1')(line) && streamed(line) > between);
    expect(out.read).toEqual(await replayed(out.read.length, ...filters));
  });

  it(`P22 events --follow as lines continues without a gap and without repetition (${how})`, async () => {
    const { out } = start('events', '--follow', '--since', 'all');
    const id = `lines-${how}`;
    const isLineOf = (fact: string) => (line: string) => line.includes(`container/${id} `) && line.includes(` ${fact}`);
    await out.until((line) => line.includes('container/c1 ') && line.includes(' configured'));
    await lab.restart(how);
    await lab.client.container.create({ id });
    await out.until(isLineOf('created'));
    await lab.restart(how);
    await lab.client.container.remove({ id });
    await out.until(isLineOf('removed'));
    expect(out.read).toEqual(await replayed(out.read.length));
  });

  it(`P22 stats --watch continues (${how})`, async () => {
    const { out, err } = start('stats', '--watch=0.1', '--json', 'c1');
    await out.until((line) => line.includes('"c1"'));
    await lab.end(how);
    const before = out.read.length;
    await lab.start();
    await out.count(before + 2);
    expect(err.read).toEqual([]);
  });
});

describe('P22 a missing daemon', () => {
  it('P22 a missing daemon is reported on stderr once, and its return as well', async () => {
    const { out, err } = start('events', '--follow', '--since', 'all');
    await out.until((line) => line.includes('configured'));
    await lab.end('stop');
    await err.until((line) => line.includes('the daemon cannot be reached: waiting for it'));
    await lab.start();
    await err.until((line) => line.includes('the daemon is back'));
    expect(err.read.filter((line) => line.includes('cannot be reached'))).toHaveLength(1);
  });

  it.each([[['events', '--follow']], [['stats', '--watch']]])(
    'P22 a missing daemon is an error from the beginning: %j',
    async (args) => {
      await lab.end('stop');
      try {
        expect(await netloom(lab.daemon, args)).toMatchObject({
          exitCode: 4,
          stdout: '',
          stderr: expect.stringMatching(/^netloom: bus\.unreachable: /),
        });
      } finally {
        await lab.start();
      }
    },
  );
});

// the last event: those of the others go with the store
describe('P22 an event store that was removed', () => {
  it('P22 events --follow continues with the first event of a new store, and reports the change', async () => {
    const { out, err } = start('events', '--follow', '--since', 'all');
    await out.until((line) => line.includes('container/c1 ') && line.includes(' configured'));
    await lab.restart('stop', () => rmSync(`${lab.daemon.directory}/state/jetstream`, { recursive: true }));
    await err.until((line) => line.includes('the event store was replaced: its events follow from the first'));
    await lab.client.container.create({ id: 'after-removal' });
    await out.until((line) => line.includes('container/after-removal ') && line.includes(' created'));
    const replay = await replayed(10_000);
    const shown = out.read.slice(out.read.indexOf(replay[0] as string));
    expect(shown).toEqual(replay.slice(0, shown.length));
    expect(err.read.filter((line) => line.includes('was replaced'))).toHaveLength(1);
    await lab.client.container.remove({ id: 'after-removal' });
  });
});
