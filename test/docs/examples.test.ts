import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { jetstreamManager } from '@nats-io/jetstream';
import { execa, type ResultPromise } from 'execa';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CloudEvent } from '../../src/client.ts';
import { untilAnswered } from '../support/daemon.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { Lines } from '../support/lines.ts';

// docs/engines.md and docs/subscribers.md, and the programs that they show, with the real daemon.

const root = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');

describe('the pages', () => {
  it.each([
    ['docs/engines.md', 'examples/engine.mjs'],
    ['docs/subscribers.md', 'examples/dashboard.mjs'],
    ['docs/subscribers.md', 'examples/recorder.mjs'],
  ])('%s shows %s unchanged', (page, program) => {
    expect(read(page)).toContain(`\n\`\`\`js\n${read(program)}\`\`\`\n`);
  });

  it('the pages show every example program', () => {
    const shown = [
      ...`${read('docs/engines.md')}${read('docs/subscribers.md')}`.matchAll(/\]\(\.\.\/examples\/(\S+)\)/g),
    ];
    expect(new Set(shown.map(([, name]) => name))).toEqual(new Set(readdirSync(new URL('examples', root))));
  });
});

let lab: Lab;
let hostResolvConf: string;
const credentials = () => `${lab.daemon.runDirectory}/credentials/viewer.json`;

beforeAll(async () => {
  hostResolvConf = readFileSync('/etc/resolv.conf', 'utf8');
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web' });
});
afterAll(() => lab.close());

/** Runs it as the pages do: plain node, in the clone. `runDir`: where an engine finds its daemon. */
function run(program: string, args: string[], runDir?: string): ResultPromise {
  const env = { PATH: process.env.PATH, ...(runDir && { NETLOOM_RUN_DIR: runDir }) };
  const running = execa(process.execPath, [`examples/${program}`, ...args], {
    cwd: root,
    env,
    extendEnv: false,
    reject: false,
  });
  onTestFinished(() => void running.kill('SIGKILL'));
  return running;
}

const engine = (...command: string[]) => run('engine.mjs', ['web', ...command], lab.daemon.runDirectory);

/** The container of the running engine. */
async function theContainer() {
  const { containers } = await lab.client.container.list();
  const [container] = containers;
  if (containers.length !== 1 || !container) throw new Error(`there are ${containers.length} containers`);
  return container;
}

describe('the example engine', () => {
  const script = 'ip -o -4 address show eth0; cat /etc/resolv.conf; echo ready; read line; exit 7';

  it('the example engine runs a command in a network of its own, with its name servers, and leaves nothing behind', async () => {
    const running = engine('sh', '-c', script);
    const lines = new Lines(running);
    await lines.until(/^ready$/);
    const container = await theContainer();
    const { id } = container;
    const block = container.status.web;
    const address = block?.interfaces.eth0?.subnets[0]?.ipnet ?? 'none';
    expect(lines.seen.join('\n')).toContain(` ${address} `);
    expect(lines.seen).toContain(`nameserver ${block?.dns_server_ips[0]}`);
    expect(lines.seen).toContain(`search ${block?.dns_search_domains.join(' ')}`);
    expect(container).toMatchObject({ owner: 'example engine', state: 'running' });
    expect(readFileSync('/etc/resolv.conf', 'utf8')).toBe(hostResolvConf);

    running.stdin?.write('\n');
    expect(await running).toMatchObject({ exitCode: 7, stderr: '' });
    await lab.facts.event(`container/${id} removed`);
    expect(lab.facts.of('container', id)).toEqual([
      'created',
      'netns-ready',
      'configured',
      'running',
      'exited',
      'tearing-down',
      'torn-down',
      'removed',
    ]);
    expect((await lab.facts.event(`container/${id} exited`)).data).toMatchObject({ exitCode: 7 });
    expect((await lab.client.container.list()).containers).toEqual([]);
  });

  it('the example engine prints its usage without a command', async () => {
    for (const args of [[], ['web']])
      expect(await run('engine.mjs', args)).toMatchObject({
        exitCode: 2,
        stdout: '',
        stderr: expect.stringMatching(/^usage: node examples\/engine\.mjs <network> <command>/),
      });
  });

  it('the example engine passes signals on, and ends with the exit code that a shell gives', async () => {
    const running = engine('sh', '-c', 'echo ready; exec sleep 600');
    await new Lines(running).until(/^ready$/);
    running.kill('SIGTERM');
    expect(await running).toMatchObject({ exitCode: 128 + 15, stderr: '' });
  });

  it('the example engine continues when the daemon is killed and restarted', async () => {
    const running = engine('sh', '-c', script);
    await new Lines(running).until(/^ready$/);
    await lab.restart('kill');
    running.stdin?.write('\n');
    expect(await running).toMatchObject({ exitCode: 7, stderr: '' });
    expect((await lab.client.container.list()).containers).toEqual([]);
  });

  it('reports the end of its command when the daemon is back', async () => {
    const running = engine('sh', '-c', script);
    await new Lines(running).until(/^ready$/);
    const { id } = await theContainer();
    await lab.restart('kill', () => {
      running.stdin?.write('\n');
    });
    expect(await running).toMatchObject({ exitCode: 7, stderr: '' });
    await lab.facts.event(`container/${id} removed`);
  });

  it('the example engine can die: its command continues, and netloom removes the network when that has ended', async () => {
    const running = engine('sh', '-c', 'echo ready; exec sleep 600');
    await new Lines(running).until(/^ready$/);
    const died = once(running, 'exit'); // its output stays open: the command has it, too
    running.kill('SIGKILL');
    await died;
    const { id, pid } = await theContainer();
    process.kill(pid as number, 'SIGKILL');
    await lab.facts.event(`container/${id} removed`);
    await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
  });

  it('the example engine ends with the fault of a set-up that is refused', async () => {
    const { exitCode, stderr } = await run('engine.mjs', ['nowhere', 'true'], lab.daemon.runDirectory);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('network.unknown');
    expect((await lab.client.container.list()).containers).toEqual([]);
  });
});

describe('the example dashboard', () => {
  it('the example dashboard shows containers and their events, with the credentials of a viewer', async () => {
    await lab.client.container.setup({ id: 'before', networks: [{ network: 'web' }] });
    const running = run('dashboard.mjs', [credentials()]);
    const lines = new Lines(running);
    await lines.until(/before.*configured/);
    await lab.client.container.setup({ id: 'shown', networks: [{ network: 'web' }] });
    await lines.until(/^20\S+Z dev\.netloom\.container\.configured shown \{.*"netns"/);
    await lines.until(/shown.*configured/);
    await lab.remove('shown');
    await lines.until(/dev\.netloom\.container\.removed shown/);
    const before = lines.seen.length;
    await lines.until(/^└/);
    const table = lines.seen.slice(before).join('\n');
    expect(table).toMatch(/before.*configured/);
    expect(table).not.toContain('shown');
    await lab.remove('before');
  });
});

describe('the example recorder', () => {
  it('appends every event of containers once, over a restart of its own', async () => {
    const directory = temporaryDirectory();
    onTestFinished(() => directory.remove());
    const file = `${directory.path}/events.jsonl`;
    const recorded = (): CloudEvent[] =>
      existsSync(file)
        ? readFileSync(file, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
        : [];
    const types = (id: string) => recorded().flatMap(({ subject, type }) => (subject === id ? [type] : []));
    const until = async (id: string) => {
      await untilAnswered(async () => expect(types(id)).toContain('dev.netloom.container.removed'));
      await untilAnswered(async () => {
        const manager = await jetstreamManager(lab.client.nc);
        const { num_ack_pending, config } = await manager.consumers.info('NETLOOM_EVENTS', 'recorder');
        expect(num_ack_pending).toBe(0);
        // one at a time: the events left by a killed recorder are delivered before all others
        expect(config.max_ack_pending).toBe(1);
      });
    };
    const live = async (id: string) => {
      await lab.client.container.setup({ id, networks: [{ network: 'web' }] });
      await lab.remove(id);
    };

    await live('first');
    const running = run('recorder.mjs', [credentials(), file]);
    await until('first');
    running.kill('SIGTERM');
    await running;
    await live('second');
    run('recorder.mjs', [credentials(), file]);
    await until('second');

    const ids = recorded().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    await lab.facts.event('container/second removed');
    const announced = lab.facts.events.filter(({ type }) => type.startsWith('dev.netloom.container.'));
    expect(ids).toEqual(announced.map(({ id }) => id));
  });
});
