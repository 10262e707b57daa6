import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentialsFile, readCredentials } from '../../src/bus/server/credentials.ts';
import { type CommandName, connect, type FaultCode, type NetloomClient, type RequestOf } from '../../src/client.ts';
import { commandSubject } from '../../src/contract/subjects.ts';
import { faultStatus } from '../../src/core/fault.ts';
import { hostVethName } from '../../src/core/object-names.ts';
import { untilAnswered } from '../support/daemon.ts';
import { isFree, KernelState } from '../support/kernel-state.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

let lab: Lab;
let kernel: KernelState;
let endedPid: number;

const patienceMs = 2_000;

beforeAll(async () => {
  lab = await Lab.open();
  kernel = new KernelState(lab.daemon);
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }] });
  await lab.client.network.create({ name: 'back', network_interface: 'back0', subnets: [{ subnet: '10.77.0.0/24' }] });
  await lab.client.container.setup({
    id: 'resident',
    networks: [{ network: 'web', staticIps: ['10.88.0.50', 'fd00:88::50'] }, { network: 'back' }],
    ports: [
      { hostPort: 8080, containerPort: 80 },
      { hostPort: 8100, containerPort: 8100, range: 10, protocol: 'udp' },
    ],
  });
  ipBatch(null, [
    'link add foreign0 type bridge',
    'address add 192.0.2.1/24 dev foreign0',
    'link set foreign0 up',
    'route add 198.51.100.0/24 via 192.0.2.2',
    `link add ${hostVethName('unlucky', 'back')} type bridge`,
  ]);
  const host = lab.peers.in(null, 'host');
  await host.serve('tcp', 9090, '0.0.0.0');
  await host.serve('udp', 9091, '127.0.0.1');
  await host.serve('tcp', 9092, '::');
  const child = spawn('true');
  await once(child, 'exit');
  endedPid = child.pid as number;
});
afterAll(async () => {
  kernel?.close();
  ipBatch(null, ['link delete foreign0', `link delete ${hostVethName('unlucky', 'back')}`]);
  await lab.close();
});

/** Host ports of requests that are refused. */
const asked = [7000, 7001, 7002, 8085, 8109, 8110, 9089, 9090, 9091, 9092, 9093, 65530];

/** Lists everything that a request can leave behind. */
async function everything() {
  const { networks } = await lab.client.network.list();
  const { containers } = await lab.client.container.list();
  return {
    ...kernel.read(),
    networks: networks.map(({ name, leases, state }) => ({ name, leases, state })),
    containers: containers.filter(({ netns }) => netns !== null).map(({ id }) => id),
    free: asked.filter(isFree),
  };
}

/** Expects a refusal, and that nothing has changed. */
async function inVain<T>(attempt: () => Promise<T>): Promise<T> {
  const before = await everything();
  const result = await attempt();
  // claims are released by a message: in order, but not before the reply
  await untilAnswered(async () => expect(await everything()).toEqual(before), patienceMs);
  return result;
}

const web = [{ network: 'web' }];
type Setup = Omit<RequestOf<'container.setup'>, 'id'>;
const port = (mapping: object) => ({ networks: web, ports: [{ containerPort: 80, ...mapping }] }) as Setup;
const fixed = (...staticIps: string[]) => ({ networks: [{ network: 'web', staticIps }] });
const subnet = (...subnets: string[]) => ({ name: 'fresh', subnets: subnets.map((text) => ({ subnet: text })) });

describe('container.setup refuses, and builds nothing for,', () => {
  it.each<[string, FaultCode, object]>([
    ['an unknown network', 'network.unknown', { networks: [{ network: 'nowhere' }] }],
    [
      'an unknown network behind a known one, with a port',
      'network.unknown',
      { networks: [...web, { network: 'nowhere' }], ports: [{ hostPort: 7000, containerPort: 80 }] },
    ],
    ['an invalid network name', 'name.invalid', { networks: [{ network: '.web' }] }],
    [
      'a port on an address of a family that the network does not have',
      'mode.conflict',
      { networks: [{ network: 'back' }], ports: [{ hostIp: '::1', hostPort: 7001, containerPort: 80 }] },
    ],
    ['a network named twice', 'payload.invalid', { networks: [...web, ...web] }],
    ['too many networks', 'payload.invalid', { networks: Array(300).fill({ network: 'web' }) }],

    ['a static address outside the subnet', 'address.outside-subnet', fixed('10.89.0.5')],
    ['a static IPv6 address outside the subnet', 'address.outside-subnet', fixed('fd00:89::5')],
    ['a static address that another container has', 'address.taken', fixed('10.88.0.50')],
    ['a static IPv6 address that another container has, spelt otherwise', 'address.taken', fixed('FD00:88:0::0050')],
    ['the gateway as static address', 'address.taken', fixed('10.88.0.1')],
    ['the broadcast address', 'address.invalid', fixed('10.88.0.255')],
    ['the network address', 'address.invalid', fixed('10.88.0.0')],
    ['the same static address twice', 'address.invalid', fixed('10.88.0.5', '10.88.0.5')],
    ['an invalid static address', 'address.invalid', fixed('10.88.0.256')],
    ['a static address with a prefix', 'address.invalid', fixed('10.88.0.5/24')],
    ['an invalid MAC address', 'address.invalid', { networks: [{ network: 'web', staticMac: '02:00:00:00:00' }] }],
    ['a multicast MAC address', 'address.invalid', { networks: [{ network: 'web', staticMac: '01:00:5e:00:00:01' }] }],
    ['an all-zero MAC address', 'address.invalid', { networks: [{ network: 'web', staticMac: '00:00:00:00:00:00' }] }],

    ['port 70000', 'port.invalid', port({ hostPort: 70000 })],
    ['container port 70000', 'port.invalid', port({ hostPort: 7000, containerPort: 70000 })],
    ['container port 0', 'port.invalid', port({ hostPort: 7000, containerPort: 0 })],
    ['port -1', 'port.invalid', port({ hostPort: -1 })],
    ['half a port', 'port.invalid', port({ hostPort: 80.5 })],
    ['a port in words', 'port.invalid', port({ hostPort: '7000' })],
    ['a range beyond 65535', 'port.invalid', port({ hostPort: 65530, range: 10 })],
    ['a range beyond 65535 in the container', 'port.invalid', port({ hostPort: 7000, containerPort: 65535, range: 2 })],
    ['an empty range', 'port.invalid', port({ hostPort: 7000, range: 0 })],
    ['an unknown protocol', 'port.invalid', port({ hostPort: 7000, protocol: 'icmp' })],
    ['a protocol list with nothing in it', 'port.invalid', port({ hostPort: 7000, protocol: 'tcp,' })],
    [
      'overlapping ranges in one request',
      'port.overlap',
      {
        networks: web,
        ports: [
          { hostPort: 7000, containerPort: 80, range: 3 },
          { hostPort: 7002, containerPort: 90, hostIp: '127.0.0.1' },
        ],
      },
    ],
    ['a port that another container publishes', 'port.taken', port({ hostPort: 8080 })],
    ['a port that another container publishes, on one address', 'port.taken', port({ hostPort: 8080, hostIp: '::1' })],
    ['a range that overlaps another container’s', 'port.taken', port({ hostPort: 8105, protocol: 'udp', range: 10 })],
    ['a port on which a process listens', 'port.taken', port({ hostPort: 9090 })],
    ['a UDP port that a process has bound on one address', 'port.taken', port({ hostPort: 9091, protocol: 'udp' })],
    ['a port that a process has bound over IPv6', 'port.taken', port({ hostPort: 9092 })],
    ['a range with a port that a process has bound', 'port.taken', port({ hostPort: 9089, range: 2 })],
    [
      'a port that a process has bound, after a free one',
      'port.taken',
      {
        networks: web,
        ports: [
          { hostPort: 7000, containerPort: 80 },
          { hostPort: 9090, containerPort: 81 },
        ],
      },
    ],
    ['a host address of another host', 'port.unavailable', port({ hostPort: 7000, hostIp: '203.0.113.7' })],
    ['an invalid host address', 'address.invalid', port({ hostPort: 7000, hostIp: 'localhost' })],
    ['too many ports', 'payload.invalid', { networks: web, ports: Array(2000).fill({ containerPort: 80 }) }],

    ['an unknown mode', 'mode.unknown', { mode: 'bogus' }],
    ['a mode with an unknown argument', 'mode.unknown', { mode: 'none:x' }],
    ['a relative namespace path', 'mode.unknown', { mode: 'ns:run/netns/x' }],
    ['mode none with networks', 'mode.conflict', { mode: 'none', networks: web }],
    ['ports without a network', 'mode.conflict', { ports: [{ hostPort: 7000, containerPort: 80 }] }],
    ['a process and a path at once', 'mode.conflict', { mode: 'ns:/run/netns/x', pid: 1 }],
    ['another container’s namespace with networks', 'mode.conflict', { mode: 'container:resident', networks: web }],
    ['another container’s namespace by an invalid ID', 'id.invalid', { mode: 'container:.resident' }],

    ['an interface name with a slash', 'payload.invalid', { networks: [{ network: 'web', interfaceName: 'eth/0' }] }],
    [
      'an interface name too long',
      'payload.invalid',
      { networks: [{ network: 'web', interfaceName: 'e'.repeat(16) }] },
    ],
    ['loopback as interface name', 'payload.invalid', { networks: [{ network: 'web', interfaceName: 'lo' }] }],
    [
      'one interface name for two networks',
      'payload.invalid',
      {
        networks: [
          { network: 'web', interfaceName: 'eth1' },
          { network: 'back', interfaceName: 'eth1' },
        ],
      },
    ],
    ['process 0', 'payload.invalid', { pid: 0 }],
    ['a process that cannot exist', 'payload.invalid', { pid: 4_194_305 }],
    ['a namespace path with NUL', 'mode.unknown', { mode: 'ns:/run/netns/\0x' }],
    ['a string in place of a list', 'payload.invalid', { networks: 'web' }],
  ])('container.setup refuses %s (%s)', async (_, code, request) => {
    expect(await inVain(() => codeOf(lab.client.container.setup({ id: 'unlucky', ...request })))).toBe(code);
  });

  it.each(['slirp4netns', 'pasta'])(
    'container.setup refuses mode %s, which this version does not support',
    async (mode) => {
      const fault = await inVain(() => refusal(lab.client.container.setup({ id: 'unlucky', mode, networks: web })));
      expect(fault).toMatchObject({ code: 'mode.unsupported', message: expect.stringContaining(mode) });
    },
  );

  // a name may be longer than an ID, and begin with a dot
  const names = ['.a', '..', 'x'.repeat(251)];
  it.each([...names, 'a*', '>', '', 'a b', 'ä', '../etc', 'x'.repeat(256), 5, null])(
    'container.setup accepts the ID %j',
    async (id) => {
      const request = { id, networks: web } as RequestOf<'container.setup'>;
      const named = names.includes(request.id) ? 'container.unknown' : 'id.invalid';
      expect(await inVain(() => codeOf(lab.client.container.setup(request)))).toBe('id.invalid');
      expect(await codeOf(lab.client.container.inspect(request))).toBe(named);
      expect(await inVain(() => codeOf(lab.client.container.remove(request)))).toBe(named);
    },
  );

  it('container.setup refuses the PID of a process that has ended (process.gone)', async () => {
    const request = { id: 'unlucky', networks: web, pid: endedPid };
    expect(await inVain(() => codeOf(lab.client.container.setup(request)))).toBe('process.gone');
  });

  it('container.setup refuses an interface name that a foreign link has, and does not touch that link (link.exists)', async () => {
    const request = {
      id: 'unlucky',
      networks: [...web, { network: 'back' }],
      ports: [{ hostPort: 7000, containerPort: 80 }],
    };
    const fault = await inVain(() => refusal(lab.client.container.setup(request)));
    expect(fault).toMatchObject({ code: 'link.exists', errno: 'EEXIST', leftBehind: [] });
    expect(fault.undone?.map((step) => step.split(' ')[0])).toEqual(['link.veth', 'nft.add', 'netns.create']);
  });

  it('container.setup names the holder of a taken port or address', async () => {
    const taken = await refusal(lab.client.container.setup({ id: 'unlucky', ...port({ hostPort: 8080 }) }));
    expect(taken.message).toContain('container resident');
    const leased = await refusal(lab.client.container.setup({ id: 'unlucky', ...fixed('10.88.0.50') }));
    expect(leased.message).toContain('container resident');
  });

  it('container.setup accepts corrected requests of containers that were refused before', async () => {
    const request = { ...port({ hostPort: 7000, range: 3 }), ...fixed('10.88.0.51') };
    const { status } = await lab.client.container.setup({ id: 'unlucky', ...request });
    expect(status.web?.interfaces.eth0?.subnets[0]?.ipnet).toBe('10.88.0.51/24');
    await lab.remove('unlucky');
  });
});

describe('a process ID', () => {
  it.each([4_194_305, 2 ** 31, 2 ** 40])('container.started and container.exited refuse process %d', async (pid) => {
    const ask = [
      () => refusal(lab.client.container.started({ id: 'resident', pid })),
      () => refusal(lab.client.container.exited({ id: 'resident', pid, exitCode: 0 })),
    ];
    for (const one of ask)
      expect(await inVain(one)).toMatchObject({ code: 'payload.invalid', message: expect.stringContaining('4194304') });
  });
});

describe('network.create refuses, and creates nothing for,', () => {
  it.each<[string, FaultCode, object]>([
    ['an existing network', 'network.exists', { name: 'web' }],
    ['a name that begins with a dot', 'name.invalid', { name: '.fresh' }],
    ['no name', 'name.invalid', {}],
    ['an invalid subnet', 'subnet.invalid', subnet('10.1.0.0/33')],
    ['a subnet without a prefix', 'subnet.invalid', subnet('10.1.0.0')],
    ['two subnets that overlap each other', 'subnet.invalid', subnet('10.1.0.0/16', '10.1.2.0/24')],
    ['a subnet of loopback', 'subnet.invalid', subnet('127.9.0.0/24')],
    ['a subnet of multicast', 'subnet.invalid', subnet('224.5.0.0/24')],
    ['an IPv6 subnet of multicast', 'subnet.invalid', subnet('ff05::/64')],
    ['an IPv6 subnet of link-local addresses', 'subnet.invalid', subnet('fe80::/64')],
    ['everything as subnet', 'subnet.invalid', subnet('0.0.0.0/0')],
    ['a subnet with no room for a gateway', 'address.outside-subnet', subnet('10.1.0.0/32')],
    [
      'a gateway outside its subnet',
      'address.outside-subnet',
      { name: 'fresh', subnets: [{ subnet: '10.1.0.0/24', gateway: '10.2.0.1' }] },
    ],
    [
      'a gateway that is the broadcast address',
      'address.invalid',
      { name: 'fresh', subnets: [{ subnet: '10.1.0.0/24', gateway: '10.1.0.255' }] },
    ],
    [
      'a range outside its subnet',
      'address.outside-subnet',
      { name: 'fresh', subnets: [{ subnet: '10.1.0.0/24', lease_range: { start_ip: '10.2.0.5' } }] },
    ],
    ['a bridge name that is too long', 'payload.invalid', { name: 'fresh', network_interface: 'b'.repeat(16) }],
    ['the name of a foreign link', 'link.exists', { name: 'fresh', network_interface: 'foreign0' }],
    ['the bridge of another network', 'link.exists', { name: 'fresh', network_interface: 'back0' }],
    ['an unknown driver', 'mode.unsupported', { name: 'fresh', driver: 'overlay' }],
    ['macvlan without a subnet', 'payload.invalid', { name: 'fresh', driver: 'macvlan' }],
    ['an unmanaged bridge without a name', 'payload.invalid', { name: 'fresh', options: { mode: 'unmanaged' } }],
    ['an unknown option', 'payload.invalid', { name: 'fresh', options: { vlam: '5' } }],
    ['the option of another driver', 'payload.invalid', { name: 'fresh', options: { bclim: '5' } }],
    ['an invalid MTU', 'payload.invalid', { name: 'fresh', options: { mtu: 'large' } }],
    [
      'an MTU that IPv6 does not take',
      'payload.invalid',
      { name: 'fresh', subnets: [{ subnet: 'fd00:1::/64' }], options: { mtu: '1000' } },
    ],
  ])('network.create refuses %s (%s)', async (_, code, request) => {
    const attempt = () => codeOf(lab.client.network.create(request as RequestOf<'network.create'>));
    expect(await inVain(attempt)).toBe(code);
  });

  it.each([
    ['the subnet of another network', '10.88.0.128/25', 'network web'],
    ['the subnet of another network, as a wider one', 'fd00::/16', 'network web'],
    ['a subnet of this host', '192.0.2.0/28', 'the host’s route to 192.0.2.0/24'],
    ['the destination of a route of this host', '198.51.0.0/16', 'the host’s route to 198.51.100.0/24'],
  ])('network.create refuses a subnet that overlaps %s (subnet.taken)', async (_, text, whose) => {
    const fault = await inVain(() => refusal(lab.client.network.create(subnet(text))));
    expect(fault).toMatchObject({ code: 'subnet.taken', message: expect.stringContaining(whose.replace('’', "'")) });
  });

  it('network.remove refuses a network in use, naming its members, and an unknown one', async () => {
    const fault = await inVain(() => refusal(lab.client.network.remove({ name: 'web' })));
    expect(fault).toMatchObject({ code: 'network.in-use', message: expect.stringContaining('resident') });
    expect(await codeOf(lab.client.network.remove({ name: 'nowhere' }))).toBe('network.unknown');
    expect(await codeOf(lab.client.network.inspect({ name: 'nowhere' }))).toBe('network.unknown');
  });
});

describe('a payload', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const mebibyte = 1024 * 1024;
  it.each<[string, FaultCode, string | Uint8Array]>([
    ['that is not JSON', 'payload.malformed', '{"id": "unlucky"'],
    ['that is not UTF-8', 'payload.malformed', Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d)],
    ['that is a list', 'payload.invalid', '[]'],
    ['that is a string', 'payload.invalid', '"unlucky"'],
    ['that is null', 'payload.invalid', 'null'],
    ['that is empty', 'id.invalid', ''],
    ['of 2 MiB', 'payload.too-large', JSON.stringify({ id: 'unlucky', name: 'x'.repeat(2 * mebibyte) })],
    ['of 2 MiB that is not JSON either', 'payload.too-large', 'x'.repeat(2 * mebibyte)],
    ['that is nested very deeply', 'payload.invalid', nested(400_000)],
    ['with a __proto__ field', 'id.invalid', '{"__proto__": {"id": "unlucky"}}'],
  ])('a payload %s is answered with its code and status (%s)', async (_, code, payload) => {
    const reply = await inVain(() =>
      lab.client.nc.request(commandSubject(lab.daemon.node, 'container', 'setup'), payload),
    );
    expect(reply.json()).toMatchObject({ code, message: expect.any(String) });
    expect(reply.headers?.get('Nats-Service-Error-Code')).toBe(String(faultStatus[code]));
    expect(reply.headers?.get('Nats-Service-Error')).not.toBe('');
  });

  it('a payload may have unknown fields', async () => {
    const request = { id: 'roomy', mode: 'none', colour: 'red', deep: { er: [1] } } as RequestOf<'container.setup'>;
    expect((await lab.client.container.setup(request)).netns.path).toContain('roomy');
    await lab.remove('roomy');
  });
});

describe('a client without the permission for a command', () => {
  const setup = { id: 'unlucky', networks: web };

  it('a client is refused by the server with wrong credentials or without any', async () => {
    const { url } = readCredentials(credentialsFile(lab.daemon.runDirectory, 'admin')) as { url: string };
    expect(await codeOf(connect({ url, user: 'admin', password: 'guessed' }))).toBe('bus.unauthorized');
    expect(await codeOf(connect({ url }))).toBe('bus.unauthorized');
    expect(await codeOf(connect({ url, user: 'root', password: '' }))).toBe('bus.unauthorized');
  });

  it('a viewer may query, and do nothing else', async () => {
    const viewer = await as('viewer');
    expect((await viewer.container.list()).containers.map(({ id }) => id)).toContain('resident');
    expect((await viewer.network.inspect({ name: 'web' })).network.name).toBe('web');
    expect((await viewer.container.plan(setup)).steps.length).toBeGreaterThan(5);
    const commands: [CommandName, object][] = [
      ['container.create', setup],
      ['container.setup', setup],
      ['container.started', { id: 'resident', pid: 1 }],
      ['container.teardown', { id: 'resident' }],
      ['container.remove', { id: 'resident' }],
      ['network.create', { name: 'fresh' }],
      ['network.remove', { name: 'web' }],
      ['worker.restart', { index: 0 }],
    ];
    for (const [name, request] of commands)
      expect(await inVain(() => codeOf(viewer.request(name, request as never)))).toBe('bus.unauthorized');
    await viewer.close();
  });

  it("a viewer cannot direct another client's reply to a command subject", async () => {
    const viewer = await as('viewer');
    const [list, remove] = (['list', 'remove'] as const).map((verb) =>
      commandSubject(lab.daemon.node, 'container', verb),
    );
    await inVain(async () => {
      viewer.nc.publish(list as string, '{"id": "resident"}', { reply: remove as string });
      await viewer.nc.flush();
      await viewer.info();
    });
    await viewer.close();
  });

  it('an operator cannot restart a worker', async () => {
    const operator = await as('operator');
    expect(await codeOf(operator.worker.restart({ index: 0 }))).toBe('bus.unauthorized');
    expect(await codeOf(lab.client.worker.restart({ index: 99 }))).toBe('worker.unknown');
    await operator.close();
  });
});

function as(role: 'viewer' | 'operator'): Promise<NetloomClient> {
  return connect({ creds: credentialsFile(lab.daemon.runDirectory, role), node: lab.daemon.node });
}

describe('a command that is repeated under the same ID', () => {
  const request = { id: 'twin', networks: web, ports: [{ hostPort: 0, containerPort: 80 }] };

  it('a repeated command is carried out once when two copies arrive at the same time', async () => {
    const answers = await Promise.all(
      [1, 2, 3].map(() => lab.client.container.setup(request, { msgId: 'setup-of-twin' })),
    );
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it('a repeated command gets its first reply and changes nothing, also when everything has changed since', async () => {
    const first = await lab.client.container.setup(request, { msgId: 'setup-of-twin' });
    await lab.client.container.remove({ id: 'twin' }, { msgId: 'removal-of-twin' });
    await lab.settled();
    expect(await inVain(() => lab.client.container.setup(request, { msgId: 'setup-of-twin' }))).toEqual(first);
    expect(await lab.client.container.remove({ id: 'twin' }, { msgId: 'removal-of-twin' })).toEqual({ id: 'twin' });
    expect(await codeOf(lab.client.container.inspect({ id: 'twin' }))).toBe('container.unknown');
  });

  it('a repeated command gets a refusal as its first reply again, also from a restarted daemon', async () => {
    const early = { id: 'early', networks: [{ network: 'later' }] };
    const first = await lab.client.container.setup(request, { msgId: 'setup-of-twin' });
    const refused = await refusal(lab.client.container.setup(early, { msgId: 'setup-of-early' }));
    expect(refused.code).toBe('network.unknown');
    await lab.client.network.create({ name: 'later' });
    await lab.restart('kill');
    await inVain(async () => {
      expect(await refusal(lab.client.container.setup(early, { msgId: 'setup-of-early' }))).toEqual(refused);
      expect(await lab.client.container.setup(request, { msgId: 'setup-of-twin' })).toEqual(first);
    });
    expect((await lab.client.container.list()).containers.map(({ id }) => id)).not.toContain('twin');
  });

  it('a repeated command is refused when its ID is invalid', async () => {
    expect(await codeOf(lab.client.info({ msgId: 'x'.repeat(200) }))).toBe('payload.invalid');
  });
});
