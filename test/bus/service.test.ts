import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CommandService, serveCommands } from '../../src/bus/commands/service.ts';
import { connectBus, roleAddress } from '../../src/bus/server/connection.ts';
import { credentialsFile } from '../../src/bus/server/credentials.ts';
import { refuseTwin } from '../../src/bus/server/nodes.ts';
import { type ManagedServer, startServer } from '../../src/bus/server/server.ts';
import { connect, type NetloomClient } from '../../src/client.ts';
import { commandNames } from '../../src/contract/commands.ts';
import { maxPayloadBytes } from '../../src/contract/payload.ts';
import { fault, NetloomError } from '../../src/core/fault.ts';
import { client, FakeEngine, node } from './support.ts';

const base = mkdtempSync(join(tmpdir(), 'netloom-service-'));
const runDir = join(base, 'run');
let server: ManagedServer;
let nc: NatsConnection;
let engine: FakeEngine;
let service: CommandService;
let admin: NetloomClient;

beforeAll(async () => {
  server = await startServer({ node, runDir, stateDir: join(base, 'state'), port: 0 });
  nc = await connectBus({ ...roleAddress(server.credentials), name: 'test daemon' });
  const behind = new Proxy({} as FakeEngine, { get: (_, key) => Reflect.get(engine, key).bind?.(engine) });
  service = await serveCommands({ nc, engine: behind, node, version: '0.1.0' });
  admin = await connect({ creds: credentialsFile(runDir, 'admin') });
});
beforeEach(() => {
  engine = new FakeEngine();
});
afterAll(async () => {
  await admin.close();
  await service.stop();
  await nc.close();
  await server.stop();
  rmSync(base, { recursive: true });
});

async function ask(verb: string, payload: string | Uint8Array, messageId?: string) {
  const header = headers();
  if (messageId) header.set('Nats-Msg-Id', messageId);
  const reply = await admin.nc.request(`netloom.v1.${node}.${verb}`, payload, { timeout: 5000, headers: header });
  return {
    status: reply.headers?.get('Nats-Service-Error-Code') ?? '',
    error: reply.headers?.get('Nats-Service-Error') ?? '',
    body: reply.json<{ code?: string; message?: string }>(),
  };
}

const setup = (wish: object) => ask('container.setup', JSON.stringify({ id: 'web', ...wish }));

describe('an invalid payload is answered with the code of its fault', () => {
  it.each<[string, string | Uint8Array | object, string, string, string?]>([
    ['no JSON', '{"id": "web"', 'payload.malformed', ''],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'payload.malformed', ''],
    ['no object', '"web"', 'payload.invalid', 'the payload "web" must be an object'],
    ['no id', '{}', 'id.invalid', 'id is missing', 'id'],
    ['an ID of dots alone', '{"id": ".."}', 'id.invalid', 'id ".." must be 1 to 250', 'id'],
    ['an ID in the form of an escaped token', '{"id": "a%2Eb"}', 'id.invalid', 'id "a%2Eb" must', 'id'],
    ['an id that is a wildcard', '{"id": ">"}', 'id.invalid', 'id ">" must', 'id'],
    [
      'a host port beyond 65535',
      { ports: [{ hostPort: 70000, containerPort: 80 }] },
      'port.invalid',
      'host port 70000 must be at most 65535',
      'ports[0].hostPort',
    ],
    [
      'no container port',
      { ports: [{ hostPort: 80 }] },
      'port.invalid',
      'container port is missing',
      'ports[0].containerPort',
    ],
    [
      'an empty range',
      { ports: [{ containerPort: 80, range: 0 }] },
      'port.invalid',
      'must be at least 1',
      'ports[0].range',
    ],
    [
      'an unknown protocol',
      { ports: [{ containerPort: 80, protocol: 'icmp' }] },
      'port.invalid',
      'protocol "icmp" must be tcp',
      'ports[0].protocol',
    ],
    [
      'an invalid host address',
      { networks: [{ network: 'a' }], ports: [{ containerPort: 80, hostIp: 'x' }] },
      'address.invalid',
      '',
    ],
    [
      'a network name with a slash',
      { networks: [{ network: 'a/b' }] },
      'name.invalid',
      'network name "a/b" must be 1 to 250',
      'networks[0].network',
    ],
    [
      'a static address that is not text',
      { networks: [{ network: 'a', staticIps: [1] }] },
      'address.invalid',
      'address 1 must be text in quotes',
      'networks[0].staticIps[0]',
    ],
    ['an invalid static address', { networks: [{ network: 'a', staticIps: ['10.0.0'] }] }, 'address.invalid', ''],
    [
      'an invalid MAC address',
      { networks: [{ network: 'a', staticMac: 'x' }] },
      'address.invalid',
      'MAC address "x" must be a MAC address',
      'networks[0].staticMac',
    ],
    [
      'an interface name with a space',
      { networks: [{ network: 'a', interfaceName: 'a b' }] },
      'payload.invalid',
      'interface name "a b" must be 1 to 15 characters',
      'networks[0].interfaceName',
    ],
    ['networks that are not a list', { networks: 'a' }, 'payload.invalid', 'networks "a" must be a list', 'networks'],
    ['a name of three hundred letters', { name: 'x'.repeat(300) }, 'name.invalid', 'xxx…" must be 1 to 250', 'name'],
    ['A05 an empty name', { name: '' }, 'name.invalid', 'name "" must be 1 to 250', 'name'],
    ['A05 a name with a space', { name: 'a b' }, 'name.invalid', 'name "a b" must be 1 to 250', 'name'],
    ['A05 a name that begins with a dot', { name: '.a' }, 'name.invalid', 'name ".a" must be 1 to 250', 'name'],
    ['an unknown mode', { mode: 'weird' }, 'mode.unknown', ''],
    ['a megabyte that the message would quote', { mode: 'x'.repeat(1_000_000) }, 'mode.unknown', '…'],
    [
      'so many networks that a comparison would take minutes',
      { networks: many(257, (network) => ({ network })) },
      'payload.invalid',
      'networks: at most 256',
    ],
    ['so many ports', { ports: many(1025, () => ({ containerPort: 80 })) }, 'payload.invalid', 'ports: at most 1024'],
  ])('%s', async (_, payload, code, words, path?: string) => {
    const bytes =
      typeof payload === 'string' || payload instanceof Uint8Array
        ? payload
        : JSON.stringify({ id: 'web', ...payload });
    const { status, error, body } = await ask('container.setup', bytes);
    expect(body).toMatchObject({ code, message: expect.stringContaining(words), ...(path && { detail: path }) });
    expect(status).toBe('400');
    expect(error).toBe(body.message);
    expect(engine.sent).toEqual([]);
  });

  it.each([
    ['subnets', { network: { subnets: many(65, () => ({ subnet: '10.0.0.0/24' })) } }, 'network.subnets: at most 64'],
    [
      'pools',
      { options: { subnet_pools: many(65, () => ({ base: '10.0.0.0/8', size: 24 })) } },
      'options.subnet_pools:',
    ],
  ])('a proposal with so many %s', async (_, more, message) => {
    const network = { name: 'n1', id: 'a'.repeat(64), driver: 'bridge', ...('network' in more ? more.network : {}) };
    const { body } = await ask('plan.network', JSON.stringify({ ...more, network }));
    expect(body).toMatchObject({ code: 'payload.invalid', message: expect.stringContaining(message) });
  });

  it.each([
    ['an invalid subnet', { subnets: [{ subnet: '10.0.0.0' }] }, 'subnet.invalid'],
    ['a subnet that is not text', { subnets: [{ subnet: 7 }] }, 'subnet.invalid'],
    ['a gateway that is not text', { subnets: [{ subnet: '10.0.0.0/24', gateway: 7 }] }, 'address.invalid'],
    ['a label called name that is not text', { labels: { name: 7 } }, 'payload.invalid'],
    ['an unknown driver', { driver: 'overlay' }, 'mode.unsupported'],
    ['so many subnets', { subnets: many(65, () => ({ subnet: '10.0.0.0/24' })) }, 'payload.invalid'],
  ])('network: %s', async (_, wish, code) => {
    expect((await ask('network.create', JSON.stringify({ name: 'demo', ...wish }))).body).toMatchObject({ code });
  });

  it('the service answers 2 MiB with payload.too-large and keeps the connection', async () => {
    const { body } = await ask('container.setup', JSON.stringify({ id: 'web', name: 'x'.repeat(2 * maxPayloadBytes) }));
    expect(body).toMatchObject({ code: 'payload.too-large' });
    expect(await admin.info()).toMatchObject({ node });
  });

  it('the service accepts exactly 1 MiB', async () => {
    const frame = JSON.stringify({ id: 'web', comment: '' }).length;
    const { body } = await setup({ comment: 'x'.repeat(maxPayloadBytes - frame) });
    expect(body).toEqual({ id: 'web' });
  });
});

describe('commands', () => {
  it('commands ignore unknown fields', async () => {
    await setup({ mode: 'none', colour: 'red' });
    expect(engine.sent[0]?.event).toMatchObject({ type: 'container.setup', wish: { id: 'web', mode: 'none' } });
  });

  it('commands set up by the created wish when only the ID is given', async () => {
    await setup({ colour: 'red', name: null });
    expect(engine.sent[0]?.event).toMatchObject({ type: 'container.setup', wish: null });
  });

  it('commands pass a Nats-Msg-Id on as an ID that is kept, each time', async () => {
    await ask('container.teardown', '{"id": "web"}', 'my-id');
    await ask('container.teardown', '{"id": "web"}', 'my-id');
    const command = { id: 'my-id', kept: true, fingerprint: expect.stringMatching(/^container\.teardown /) };
    expect(engine.sent.map((sent) => sent.command)).toEqual([command, command]);
    expect(engine.sent[0]?.event).toEqual({ type: 'container.teardown', command: 'my-id' });
  });

  it('B09 commands with one ID are distinguished by command and content, and not by their spelling', async () => {
    const wish = '{"id": "web", "labels": {"a": "1", "b": "2"}, "networks": [{"network": "demo"}]}';
    await ask('container.setup', wish, 'my-id');
    await ask(
      'container.setup',
      '{"labels":{"b":"2","a":"1"},"networks":[{"network":"demo"}],"id":"web","name":null}',
      'my-id',
    );
    await ask('container.setup', wish.replace('"2"', '"3"'), 'my-id');
    await ask('container.create', wish, 'my-id');
    const [first, same, ...others] = engine.sent.map(({ command }) => command.fingerprint);
    expect(same).toBe(first);
    expect(new Set([first, ...others]).size).toBe(3);
  });

  it('B09 commands are refused when their ID has another request, and change nothing', async () => {
    engine.firstAnswer = () => Promise.reject(new NetloomError(fault('command.mismatch', 'used')));
    for (const verb of ['container.teardown', 'container.inspect'])
      expect(await ask(verb, '{"id": "web"}', 'my-id')).toMatchObject({
        status: '409',
        body: { code: 'command.mismatch' },
      });
    expect(engine.sent).toEqual([]);
  });

  it('commands without an ID get a fresh one that is not kept', async () => {
    await admin.container.teardown({ id: 'web' });
    await admin.container.teardown({ id: 'web' });
    const [one, other] = engine.sent.map(({ command }) => command);
    expect(one).toMatchObject({ kept: false });
    expect(one?.id).not.toBe(other?.id);
  });

  it('commands are refused with a Nats-Msg-Id that is too long for the journal', async () => {
    expect((await ask('container.teardown', '{"id": "web"}', 'x'.repeat(129))).body.code).toBe('payload.invalid');
  });

  it('commands are accepted while another one is under way', async () => {
    const [started, finish] = [later<void>(), later<void>()];
    engine.answer = async ({ to }) => {
      if (to === 'container/slow') {
        started.resolve();
        await finish.promise;
      }
      return { id: to };
    };
    const slow = admin.container.teardown({ id: 'slow' });
    await started.promise;
    expect(await admin.container.teardown({ id: 'quick' })).toEqual({ id: 'container/quick' });
    finish.resolve();
    expect(await slow).toEqual({ id: 'container/slow' });
  });

  it.each([
    ['node.info', {}],
    ['network.create', { name: 'demo' }],
    ['network.inspect', { name: 'demo' }],
    ['network.list', {}],
    ['network.remove', { name: 'demo' }],
    ['container.create', { id: 'web' }],
    ['container.setup', { id: 'web' }],
    ['container.started', { id: 'web', pid: 12 }],
    ['container.inspect', { id: 'web' }],
    ['container.list', {}],
    ['container.stats', { id: 'web' }],
    ['container.teardown', { id: 'web' }],
    ['container.remove', { id: 'web' }],
    ['plan.container', { id: 'web' }],
    ['worker.restart', { index: 0 }],
  ])('commands are answered: %s', async (name, request) => {
    const { status, body } = await ask(name, JSON.stringify(request));
    expect(status).toBe(name.endsWith('.inspect') ? '404' : '');
    expect(body).toBeTypeOf('object');
  });

  it('commands without bytes are treated as without fields', async () => {
    expect((await ask('node.info', '')).body).toMatchObject({ node });
  });
});

describe('faults', () => {
  const thrown = fault('link.exists', 'add veth: the name\nis taken', {
    step: 'link.veth nl1 (eth0)',
    errno: 'EEXIST',
    detail: 'File exists',
    undone: ['netns.create'],
    leftBehind: [{ step: 'netns.create', errno: 'EBUSY', detail: null }],
  });

  it('faults cross the bus completely, with the status in the header', async () => {
    engine.answer = () => Promise.reject(new NetloomError(thrown));
    const { status, error, body } = await setup({});
    expect(body).toEqual(thrown);
    expect(status).toBe('409');
    expect(error).toBe('add veth: the name is taken');
  });

  it('faults are thrown by the client as they were sent', async () => {
    engine.answer = () => Promise.reject(new NetloomError(thrown));
    await expect(admin.container.setup({ id: 'web' })).rejects.toMatchObject({ name: 'NetloomError', fault: thrown });
  });

  it('unexpected errors become internal.unexpected', async () => {
    engine.answer = () => {
      throw new TypeError('x is not a function');
    };
    expect((await setup({})).body).toEqual({ code: 'internal.unexpected', message: 'x is not a function' });
  });

  it('faults are sent instead of a reply that is larger than the server accepts', async () => {
    engine.answer = () => ({ id: 'web', text: 'x'.repeat(5 * 1024 * 1024) });
    expect((await setup({})).body).toMatchObject({ code: 'payload.too-large' });
  });

  it('a missing reply becomes the fault that the daemon is not running', async () => {
    const elsewhere = await connect({ creds: credentialsFile(runDir, 'admin'), node: 'n2' });
    await expect(elsewhere.info()).rejects.toMatchObject({
      fault: {
        code: 'bus.unreachable',
        message: expect.stringContaining('no answer from node n2: is its daemon running?'),
      },
    });
    await elsewhere.close();
  });

  it.each(['nope.nope', 'container.setup.x', 'container', '', '__proto__'])(
    'P12 the unknown command %j is refused before it is sent',
    async (name) => {
      // a program in JavaScript may name it
      await expect(admin.request(JSON.parse(JSON.stringify(name)), {})).rejects.toMatchObject({
        fault: { code: 'payload.invalid', message: `unknown command ${JSON.stringify(name)}` },
      });
    },
  );

  it('P12 a closed client refuses commands with a fault that it is closed', async () => {
    const closed = await connect({ creds: credentialsFile(runDir, 'admin') });
    await closed.close();
    const following = async () => {
      for await (const event of closed.events()) expect(event).toBeUndefined();
    };
    for (const act of [() => closed.info(), () => closed.nodes(), () => closed.idsInEvents('container'), following])
      await expect(act()).rejects.toMatchObject({
        fault: { code: 'bus.unreachable', message: expect.stringMatching(/: the connection is closed$/) },
      });
  });

  it('a late reply becomes a fault', async () => {
    const never = later<void>();
    engine.answer = () => never.promise;
    await expect(admin.container.setup({ id: 'web' }, { timeoutMs: 50 })).rejects.toMatchObject({
      fault: { code: 'command.timeout' },
    });
    never.resolve();
  });
});

describe('roles', () => {
  it('roles let a viewer query', async () => {
    const viewer = await client(runDir, 'viewer');
    expect(await viewer.info()).toMatchObject({ node });
    expect(await viewer.container.list()).toMatchObject({ containers: [] });
    expect(await viewer.container.plan({ id: 'web' })).toMatchObject({ id: 'web' });
    expect(await viewer.nodes(100)).toEqual([{ node, version: '0.1.0' }]);
  });

  it.each(commandNames.filter((name) => /create|setup|started|teardown|remove|restart/.test(name)))(
    'roles do not let a viewer send the command %s',
    async (name) => {
      const viewer = await client(runDir, 'viewer');
      await expect(viewer.request(name, { id: 'web', name: 'web', pid: 1, index: 0 } as never)).rejects.toMatchObject({
        fault: { code: 'bus.unauthorized' },
      });
      expect(engine.sent).toEqual([]);
    },
  );

  it('roles let an operator command containers, but not restart workers', async () => {
    const operator = await client(runDir, 'operator');
    expect(await operator.container.teardown({ id: 'web' })).toEqual({ id: 'web' });
    await expect(operator.worker.restart({ index: 0 })).rejects.toMatchObject({ fault: { code: 'bus.unauthorized' } });
  });

  it('roles do not let a viewer read replies to others', async () => {
    const viewer = await client(runDir, 'viewer');
    const heard = new Promise((resolve) =>
      viewer.nc.subscribe('_INBOX.>', { callback: (error, message) => resolve(error ?? message) }),
    );
    expect(await heard).toMatchObject({ name: 'PermissionViolationError' });
  });

  it("roles keep a reply, directed to a command's subject by a viewer, from being taken for a command", async () => {
    const viewer = await client(runDir, 'viewer');
    viewer.nc.publish(`netloom.v1.${node}.container.stats`, '{"id": "web"}', {
      reply: `netloom.v1.${node}.container.remove`,
    });
    viewer.nc.publish('$SRV.PING.netloom', '', { reply: `netloom.v1.${node}.network.remove` });
    await viewer.nc.flush();
    await viewer.info();
    await admin.info();
    expect(engine.sent).toEqual([]);
  });
});

describe('the micro service', () => {
  it('the micro service is refused when another daemon has its node name', async () => {
    await expect(refuseTwin(admin.nc, node)).rejects.toMatchObject({ fault: { code: 'node.running' } });
    await refuseTwin(admin.nc, 'n2');
  });

  it('the micro service describes itself: one instance, the node, no queue group, a schema for each command', async () => {
    const reply = await admin.nc.request('$SRV.INFO.netloom', '', { timeout: 1000 });
    const info = reply.json<{ name: string; version: string; metadata: object; endpoints: Endpoint[] }>();
    expect(info).toMatchObject({ name: 'netloom', version: '0.1.0', metadata: { node } });
    expect(info.endpoints).toHaveLength(commandNames.length);
    for (const endpoint of info.endpoints) {
      expect(endpoint.queue_group).toBe('');
      expect(JSON.parse(endpoint.metadata.request ?? '')).toMatchObject({ type: 'object' });
      expect(JSON.parse(endpoint.metadata.response ?? '')).toMatchObject({ type: 'object' });
    }
  });

  it('the micro service counts requests and errors', async () => {
    service.service.reset();
    await admin.worker.restart({ index: 0 });
    await ask('worker.restart', '{}');
    const reply = await admin.nc.request('$SRV.STATS.netloom', '', { timeout: 1000 });
    const { endpoints } = reply.json<{ endpoints: { name: string; num_requests: number; data: object }[] }>();
    expect(endpoints.find(({ name }) => name === 'worker-restart')).toMatchObject({
      num_requests: 2,
      data: { refused: 1, underWay: 0 },
    });
  });
});

function many<T>(count: number, make: (name: string) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(`n${index}`));
}

interface Endpoint {
  name: string;
  subject: string;
  queue_group: string;
  metadata: Record<string, string>;
}

function later<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
