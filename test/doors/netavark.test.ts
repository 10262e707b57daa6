import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { processesOf, untilAnswered } from '../support/daemon.ts';
import { ipWithin, linkNames } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { type DoorResult, door, runDoor } from './door.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

const call = (args: string[], input: unknown = null): Promise<DoorResult> =>
  runDoor(args, { env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory }, input });

const podmanArguments = [
  '--config',
  '/run/containers/networks',
  '--rootless=false',
  '--aardvark-binary=/x/aardvark-dns',
];
const setup = (netns: string, input: unknown) => call([...podmanArguments, 'setup', netns], input);
const teardown = (netns: string, input: unknown) => call([...podmanArguments, 'teardown', netns], input);

const web = {
  name: 'web',
  id: '3'.repeat(64),
  driver: 'bridge',
  network_interface: 'podman1',
  created: '2026-01-01T00:00:00Z',
  subnets: [{ subnet: '10.89.0.0/24', gateway: '10.89.0.1' }],
  ipv6_enabled: false,
  internal: false,
  dns_enabled: true,
  ipam_options: { driver: 'host-local' },
};

function options(more: Record<string, unknown> = {}) {
  return {
    container_id: '4'.repeat(64),
    container_name: 's1',
    networks: { web: { static_ips: ['10.89.0.2'], aliases: ['444444444444'], interface_name: 'eth0' } },
    network_info: { web },
    ...more,
  };
}

function engineNetns(name: string): string {
  const path = `${lab.directory.path}/${name}`;
  native.createNetns(path).socket.close();
  return path;
}

const settled = () =>
  untilAnswered(async () => {
    expect((await lab.client.container.list()).containers).toEqual([]);
    expect((await lab.client.network.list()).networks).toEqual([]);
  });

describe("podman's requests to netavark, as recorded", () => {
  const samples = new URL('./recorded/', import.meta.url);
  const files = readdirSync(samples).filter((file) => file.endsWith('.txt'));

  interface Exchange {
    verb: string;
    netns: string;
    input: { network_info: Record<string, { driver: string; network_interface?: string }> };
    stdout: string;
  }

  function exchanges(file: string): Exchange[] {
    const text = readFileSync(new URL(file, samples), 'utf8');
    return text.split(/^### argv: /m).flatMap((part) => {
      const [, verb, netns] =
        /^netavark .* (setup|teardown|create)(?: (\S+))?$/m.exec(part.split('\n')[0] as string) ?? [];
      const [, input] = /^stdin: (.*)$/m.exec(part) ?? [];
      const [, stdout = ''] = /^stdout: (.*)$/m.exec(part) ?? [];
      return verb && input && /^exit: 0$/m.test(part)
        ? [{ verb, netns: netns ?? '', input: JSON.parse(input), stdout }]
        : [];
    });
  }

  /** Compares netavark's recorded reply with the door's, without the random parts. */
  function comparable(stdout: string) {
    return JSON.parse(stdout || 'null', (key, value) => {
      if (key === 'created') return 'some time';
      if (key === 'mac_address' && !String(value).startsWith('02:00:00')) return 'some address';
      return value;
    });
  }

  it.each(files)(
    "podman's recorded requests get the replies of netavark: %s",
    async (file) => {
      const made = new Set<string>();
      let compared = 0;
      try {
        execFileSync('ip', ['link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'wan1']);
        for (const { verb, netns: recorded, input, stdout } of exchanges(file)) {
          const netns = recorded && `${lab.directory.path}/${recorded.split('/').at(-1)}`;
          if (verb === 'setup' && !made.has(netns)) native.createNetns(netns).socket.close();
          if (verb === 'setup') made.add(netns);
          const result = await call([...podmanArguments, verb, ...(netns ? [netns] : [])], input);
          const expected = { code: 0, stdout: comparable(stdout), stderr: '' };
          expect({ ...result, stdout: comparable(result.stdout) }).toEqual(expected);
          compared++;
        }
      } finally {
        const { containers } = await lab.client.container.list();
        // those that are still queued are being removed
        for (const { id } of containers) await lab.client.container.remove({ id }).catch(() => {});
        await settled();
        for (const netns of made) native.removeNetns(netns);
        spawnSync('ip', ['link', 'delete', 'wan0']);
      }
      expect(compared).toBeGreaterThan(20);
    },
    60_000,
  );
});

describe('setup and teardown through the door', () => {
  it('a set-up gives a container its network, with the gateway, the domain and the name server that podman records', async () => {
    const netns = engineNetns('one');
    const { code, stdout, stderr } = await setup(netns, options());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      web: {
        dns_search_domains: ['dns.podman'],
        dns_server_ips: ['10.89.0.1'],
        interfaces: {
          eth0: { mac_address: expect.any(String), subnets: [{ ipnet: '10.89.0.2/24', gateway: '10.89.0.1' }] },
        },
      },
    });
    expect(await teardown(netns, options())).toEqual({ code: 0, stdout: '', stderr: '' });
    await settled();
    expect(linkNames()).toEqual(['lo']);
    native.removeNetns(netns);
  });

  it('a set-up accepts the list of networks of podman 6, in its order', async () => {
    const netns = engineNetns('list');
    const back = { ...web, name: 'back', network_interface: 'podman2', subnets: [{ subnet: '10.90.0.0/24' }] };
    const input = options({
      networks: [
        { name: 'web', static_ips: ['10.89.0.2'], interface_name: 'eth1' },
        { name: 'back', static_ips: ['10.90.0.2'], interface_name: 'eth0' },
      ],
      network_info: { web, back },
    });
    const { code } = await setup(netns, input);
    expect(code).toBe(0);
    const routes = ipWithin<{ dev: string; metric: number }[]>(netns, 'route', 'show', 'default');
    expect(routes[0]).toMatchObject({ dev: 'eth1', metric: 100 });
    await teardown(netns, input);
    await settled();
    native.removeNetns(netns);
  });

  it('P18 containers of the door have podman as their owner', async () => {
    const netns = engineNetns('owned');
    expect((await setup(netns, options())).code).toBe(0);
    const { container } = await lab.client.container.inspect({ id: '4'.repeat(64) });
    expect(container).toMatchObject({ owner: 'podman', labels: {}, startBy: null });
    await teardown(netns, options());
    await settled();
    native.removeNetns(netns);
  });

  it('a set-up does not bind the ports that podman has bound', async () => {
    const netns = engineNetns('ports');
    const input = options({
      port_mappings: [{ host_ip: '', container_port: 80, host_port: 8080, range: 2, protocol: 'tcp,udp' }],
    });
    expect((await setup(netns, input)).code).toBe(0);
    const { container } = await lab.client.container.inspect({ id: '4'.repeat(64) });
    expect(container.ports).toHaveLength(2);
    expect(container.ports.every(({ heldByCaller }) => heldByCaller)).toBe(true);
    expect(spawnSync('ss', ['-Hltun', 'sport = :8080'], { encoding: 'utf8' }).stdout).toBe('');
    await teardown(netns, input);
    await settled();
    native.removeNetns(netns);
  });

  it("a failed set-up prints the daemon's message as JSON on stdout, and leaves nothing behind", async () => {
    const netns = engineNetns('taken');
    const { code, stdout, stderr } = await setup(
      netns,
      options({ networks: { web: { static_ips: ['10.89.0.1'], interface_name: 'eth0' } } }),
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ error: 'address 10.89.0.1 is the gateway' });
    await teardown(netns, options());
    await settled();
    native.removeNetns(netns);
  });

  it.each([
    ['text that is not JSON', [], /not a JSON object/],
    ['no container', { networks: {}, network_info: {} }, /missing field `container_id`/],
    ['a network that is not described', options({ network_info: {} }), /network web is not in `network_info`/],
    ['a network that is not an object', options({ network_info: { web: [] } }), /network web is not an object/],
    ['an attachment that is not an object', options({ networks: { web: [] } }), /missing field `interface_name`/],
    ['dns_enabled in words', options({ network_info: { web: { ...web, dns_enabled: 'yes' } } }), /field `dns_enabled`/],
    [
      'a range in words',
      options({ port_mappings: [{ container_port: 1, host_port: 1, range: 'x' }] }),
      /field `range`/,
    ],
    ['a port that is not an object', options({ port_mappings: ['8080:80'] }), /missing field `container_port`/],
    ['ports that are not a list', options({ port_mappings: '8080:80' }), /field `port_mappings` is not a list/],
    ['networks that are not a map', options({ networks: 'web' }), /field `networks` is neither a map nor a list/],
    ['more depth than there is stack', Buffer.from(`{"networks":${'['.repeat(300_000)}`), /nests too deep/],
    ['text that is not UTF-8', Buffer.from('{"container_id":"\xff"}', 'latin1'), /not a JSON object/],
    ['a network without an interface name', options({ networks: { web: {} } }), /missing field `interface_name`/],
  ])('a set-up names the fault in an input with %s', async (_, input, message) => {
    const { code, stdout } = await setup('/run/netns/none', input);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ error: expect.stringMatching(message) });
  });

  it('a set-up accepts null for an absent value', async () => {
    const netns = engineNetns('null');
    const input = options({
      network_info: { web: { ...web, dns_enabled: null } },
      port_mappings: [{ container_port: 80, host_port: 8080, host_ip: null, protocol: 'tcp', range: null }],
      dns_servers: null,
    });
    expect(await setup(netns, input)).toMatchObject({ code: 0, stderr: '' });
    const { container } = await lab.client.container.inspect({ id: '4'.repeat(64) });
    expect(container.ports).toMatchObject([{ containerPort: 80, hostPort: 8080 }]);
    await teardown(netns, input);
    await settled();
    native.removeNetns(netns);
  });

  it('a set-up fails when the reply cannot be written', async () => {
    const netns = engineNetns('full');
    const run = `printf '%s' '${JSON.stringify(options())}' | ${door} setup ${netns} > /dev/full`;
    const env = { PATH: '/usr/bin', NETLOOM_RUN_DIR: lab.daemon.runDirectory };
    expect(spawnSync('sh', ['-c', run], { env, encoding: 'utf8' })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/cannot be written/),
    });
    await teardown(netns, options());
    await settled();
    native.removeNetns(netns);
  });

  it('an error quotes invalid UTF-8 as valid text', async () => {
    const script = `printf '\\377' > x; exec "$0" -f "$(cat x)" setup /x`;
    const { status, stdout } = spawnSync('sh', ['-c', script, `${process.cwd()}/${door}`], { cwd: lab.directory.path });
    expect([status, JSON.parse(stdout.toString())]).toEqual([1, { error: 'failed to open \ufffd' }]);
    const path = spawnSync(
      'sh',
      ['-c', script.replace('-f "$(cat x)" setup /x', 'setup "$(cat x)"'), `${process.cwd()}/${door}`],
      { cwd: lab.directory.path, input: JSON.stringify(options()) },
    );
    expect([path.status, JSON.parse(path.stdout.toString())]).toEqual([1, { error: 'NETNS_PATH is not valid UTF-8' }]);
  });

  it('a rootless podman is left to the next netavark', async () => {
    const { code, stdout, stderr } = await call(['--rootless=true', '--version'], options());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(execFileSync('/usr/lib/podman/netavark', ['--version'], { encoding: 'utf8' }));
  });
});

describe('update through the door', () => {
  it('an update changes the forwarding servers of a network in use, and does nothing for others', async () => {
    const netns = engineNetns('update');
    await setup(netns, options());
    expect(await call([...podmanArguments, 'update', 'web', '--network-dns-servers', '9.9.9.9,8.8.8.8'])).toMatchObject(
      {
        code: 0,
        stdout: '',
      },
    );
    const servers = async () => (await lab.client.network.inspect({ name: 'web' })).network.network_dns_servers;
    expect(await servers()).toEqual(['9.9.9.9', '8.8.8.8']);
    await call([...podmanArguments, 'update', 'web', '--network-dns-servers', '']);
    expect(await servers()).toEqual([]);
    expect((await call([...podmanArguments, 'update', 'nobody', '--network-dns-servers', '9.9.9.9'])).code).toBe(0);
    await teardown(netns, options());
    await settled();
    native.removeNetns(netns);
  });
});

describe('the command line of the door', () => {
  it.each([
    [['--version'], 'netavark 1.17.2\n'],
    [['-V'], 'netavark 1.17.2\n'],
    [['--help'], expect.stringContaining('Usage: netavark')],
    [['help'], expect.stringContaining('Usage: netavark')],
    [['help', 'setup'], expect.stringContaining('Usage: netavark')],
    [['setup', '--help'], expect.stringContaining('Usage: netavark')],
    [['update', 'web', '-h'], expect.stringContaining('Usage: netavark')],
    [['-c/x', '--firewall-driver=none', '-rfalse', '-V'], 'netavark 1.17.2\n'],
  ])('the door answers %s', async (args, stdout) => {
    expect(await call(args as string[])).toEqual({ code: 0, stdout, stderr: '' });
  });

  it('the door describes itself as JSON with version', async () => {
    const { stdout } = await call(['version']);
    expect(JSON.parse(stdout)).toMatchObject({ version: '1.17.2', commit: expect.stringContaining('netloom') });
  });

  it.each([
    [['setup', '--config', '/tmp', '/x'], /unexpected argument '--config'/],
    [['setup'], /expected one argument, <NETNS_PATH>/],
    [['setup', '-xy'], /unexpected argument '-xy'/],
    [['setup', '--', '-xy', '/x'], /expected one argument/],
    [['-Zf'], /unexpected argument '-Zf'/],
    [['nonsense'], /unrecognized command 'nonsense'/],
    [[], /a command is missing/],
    [['--nonsense'], /unexpected argument '--nonsense'/],
    [['--roo=false', 'setup', '/x'], /unexpected argument '--roo=false'/],
    [['--rootless=maybe'], /invalid value 'maybe'/],
    [['--version=1'], /unexpected argument '--version=1'/],
    [['--file'], /a value is required for '--file'/],
    [['update', 'web'], /--network-dns-servers <LIST>/],
    [['update', '--network-dns-servers', ''], /expected one argument, <NETWORK_NAME>/],
  ])('the door treats %j as a usage error: exit 2, text on stderr, nothing on stdout', async (args, words) => {
    const { code, stdout, stderr } = await call(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(words);
  });
});

describe('while no daemon runs', () => {
  it.each([
    ['stop', 'no server listens'],
    ['kill', 'its NATS server is still there'],
  ] as const)(
    '(%s: %s) a set-up fails with a message, and a teardown is done when the daemon is back',
    async (how, _) => {
      const netns = engineNetns('down');
      await setup(netns, options());
      await lab.restart(how, async () => {
        const refused = await setup(netns, options());
        expect([refused.code, JSON.parse(refused.stdout).error]).toEqual([
          1,
          expect.stringContaining("netloom's daemon"),
        ]);
        expect(await teardown(netns, options())).toEqual({ code: 0, stdout: '', stderr: '' });
      });
      await settled();
      expect(linkNames()).toEqual(['lo']);
      native.removeNetns(netns);
    },
  );

  it('a reload leaves a container its network: the failed set-up cancels the teardown before it', async () => {
    const netns = engineNetns('reloaded');
    await setup(netns, options());
    await lab.restart('kill', async () => {
      expect((await teardown(netns, options())).code).toBe(0);
      expect(queued()).toHaveLength(1);
      expect((await setup(netns, options())).code).toBe(1);
      expect(queued()).toEqual([]);
    });
    expect(ipWithin(netns, 'link', 'show').map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
    await teardown(netns, options());
    await settled();
    native.removeNetns(netns);
  });

  it('a failed set-up cancels no teardown of another container, namespace or network', async () => {
    const [mine, another] = ['mine', 'another'].map(engineNetns) as [string, string];
    await lab.end('kill');
    await teardown(another, options());
    await teardown(mine, options({ container_id: '5'.repeat(64) }));
    const networks = { web: { interface_name: 'eth0' }, db: { interface_name: 'eth1' } };
    await teardown(mine, options({ networks, network_info: { web, db: { ...web, name: 'db' } } }));
    writeFileSync(`${queue()}/0.json`, 'nonsense');
    const before = queued();
    expect(before).toHaveLength(4);
    expect((await setup(mine, options())).code).toBe(1);
    expect(queued()).toEqual(before);
    await lab.start();
    await untilAnswered(async () => expect(queued()).toEqual([]));
    for (const netns of [mine, another]) native.removeNetns(netns);
  });

  const queue = () => `${lab.daemon.runDirectory}/teardowns`;
  const queued = () => readdirSync(queue());

  it('a teardown that the daemon received and did not answer is done by the next one', async () => {
    const netns = engineNetns('asked');
    await setup(netns, options());
    const [daemon] = processesOf(lab.daemon).filter((line) => line.includes(' daemon '));
    process.kill(Number.parseInt(daemon as string, 10), 'SIGSTOP');
    const asked = teardown(netns, options());
    await untilAnswered(async () => expect(doorsWaiting()).toBe(1));
    await lab.restart('kill');
    expect(await asked).toEqual({ code: 0, stdout: '', stderr: '' });
    await settled();
    native.removeNetns(netns);
  });

  const daemonPid = () =>
    Number.parseInt(processesOf(lab.daemon).find((line) => line.includes(' daemon ')) as string, 10);

  /** On more networks than can be set up before the next look at the container. */
  function manyNetworks(count = 16) {
    const places = Array.from({ length: count }, (_, index) => [`many${index}`, `10.91.${index}`, index] as const);
    const networks = places.map(([name, net, index]) => [
      name,
      { static_ips: [`${net}.2`], interface_name: `eth${index}` },
    ]);
    const infos = places.map(([name, net]) => [
      name,
      { ...web, name, network_interface: name, subnets: [{ subnet: `${net}.0/24`, gateway: `${net}.1` }] },
    ]);
    return options({ networks: Object.fromEntries(networks), network_info: Object.fromEntries(infos) });
  }

  it('a set-up that is reported as failed because the daemon was killed leaves nothing for the next one', async () => {
    const netns = engineNetns('ghost');
    const processes = [daemonPid(), lab.daemon.natsPid() as number];
    const asked = setup(netns, manyNetworks());
    // it is journalled: the next daemon completes it
    await untilAnswered(async () => expect((await lab.client.container.list()).containers).toHaveLength(1));
    // with the server, as a service manager does, so that the door loses its connection
    for (const pid of processes) process.kill(pid, 'SIGKILL');
    const { code } = await asked;
    expect([code, queued().length]).toEqual([1, 1]);
    await lab.restart('kill');
    expect(queued()).toEqual([]);
    await settled();
    expect(linkNames()).toEqual(['lo']);
    // the engine tries again with another container, which gets the addresses
    const next = engineNetns('next');
    const again = { ...manyNetworks(), container_id: '6'.repeat(64) };
    expect((await setup(next, again)).code).toBe(0);
    await teardown(next, again);
    await settled();
    for (const path of [netns, next]) native.removeNetns(path);
  });

  it('a set-up that is tried again in the same namespace is not undone by what takes the former one back', async () => {
    const netns = engineNetns('again');
    const pid = daemonPid();
    process.kill(pid, 'SIGSTOP');
    const first = setup(netns, options());
    await untilAnswered(async () => expect(doorsWaiting()).toBe(1));
    // the server goes; the daemon, which has received the request, lives on
    process.kill(lab.daemon.natsPid() as number, 'SIGKILL');
    expect((await first).code).toBe(1);
    expect(queued()).toHaveLength(1);
    process.kill(pid, 'SIGCONT');
    await untilAnswered(async () => expect((await setup(netns, options())).code).toBe(0));
    expect(queued()).toEqual([]);
    expect(ipWithin(netns, 'link', 'show').map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
    await teardown(netns, options());
    await settled();
    native.removeNetns(netns);
  });

  /** Counts the doors that have sent their request and still wait. */
  const doorsWaiting = () =>
    spawnSync('ss', ['-HtnpiO'], { encoding: 'utf8' }).stdout.match(/"netavark".* bytes_acked:\d{3}/g)?.length ?? 0;

  it('a teardown of a missing run directory has nothing to do', async () => {
    const elsewhere = `${lab.directory.path}/never`;
    mkdirSync(elsewhere);
    writeFileSync(`${elsewhere}/input.json`, JSON.stringify(options()));
    const env = { NETLOOM_RUN_DIR: elsewhere, PATH: '/usr/bin' };
    const { status, stdout } = spawnSync(door, ['-f', `${elsewhere}/input.json`, 'teardown', '/x'], {
      env,
      encoding: 'utf8',
    });
    expect([status, stdout, readdirSync(elsewhere)]).toEqual([0, '', ['input.json']]);
  });
});

describe('a server from the environment', () => {
  const named = (creds: string) => ({ NATS_URL: lab.client.nc.getServer(), NETLOOM_CREDS: creds });
  const ask = (env: Record<string, string>, program?: string) =>
    runDoor(['create'], { env, input: { network: { ...web, name: 'x' }, used: {} }, program });

  it('a server from the environment is reached through the NATS client library, with the named credentials', async () => {
    const { code, stdout } = await ask(named(`${lab.daemon.runDirectory}/credentials/operator.json`));
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ name: 'x', driver: 'bridge' })]);
    const refused = await ask({ NATS_URL: lab.client.nc.getServer(), NETLOOM_RUN_DIR: lab.daemon.runDirectory });
    expect([refused.code, JSON.parse(refused.stdout).error]).toEqual([1, expect.stringMatching(/Authorization|auth/i)]);
  });

  it('a server from the environment cannot be reached without that library, whereas the own server needs none', async () => {
    const alone = `${lab.directory.path}/netavark`;
    copyFileSync(door, alone);
    expect((await ask({ NETLOOM_RUN_DIR: lab.daemon.runDirectory }, alone)).code).toBe(0);
    const { code, stdout } = await ask(named(`${lab.daemon.runDirectory}/credentials/operator.json`), alone);
    expect([code, JSON.parse(stdout).error]).toEqual([1, expect.stringContaining('libnats-dev')]);
  });
});

describe('aardvark-dns beside the door', () => {
  it('aardvark-dns prints its version and runs nothing', () => {
    expect(spawnSync('native/build/doors/aardvark-dns', ['--version'], { encoding: 'utf8' }).stdout).toBe(
      'aardvark-dns 1.17.2\n',
    );
    expect(spawnSync('native/build/doors/aardvark-dns', ['run']).status).toBe(1);
  });
});
