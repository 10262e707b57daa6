import { describe, expect, it } from 'vitest';
import { containerRequest } from '../../src/cli/container-options.ts';
import { parseNetworkArgument } from '../../src/cli/network-argument.ts';
import { collectLabels } from '../../src/cli/options.ts';
import { durationParser } from '../../src/cli/since.ts';
import { readWishes } from '../../src/cli/wish-options.ts';
import { mostStartWithinMs } from '../../src/core/milliseconds.ts';

const refused = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('a request of the command line', () => {
  it('a request contains only what was given, so that the stored wish applies', () => {
    expect(containerRequest({ id: 'web' })).toEqual({ id: 'web' });
  });

  it('a request uses the name as ID where it is a valid one', () => {
    expect(containerRequest({ name: 'web' })).toEqual({ id: 'web', name: 'web' });
  });

  it('a request gets a random ID when the name is not a valid one', () => {
    const request = containerRequest({ name: 'my web.server' });
    expect(request.id).toMatch(/^[0-9a-f]{12}$/);
    expect(containerRequest({}).id).not.toBe(containerRequest({}).id);
  });

  it('a request applies --ip, --ip6, --mac-address and --interface-name to its one network', () => {
    const options = {
      id: 'web',
      network: [{ networks: [{ network: 'demo' }] }],
      ip: ['10.89.0.5'],
      ip6: ['fd00::5'],
      macAddress: '02:00:00:00:00:05',
      interfaceName: 'web0',
    };
    expect(containerRequest(options).networks).toEqual([
      {
        network: 'demo',
        staticIps: ['10.89.0.5', 'fd00::5'],
        staticMac: '02:00:00:00:00:05',
        interfaceName: 'web0',
      },
    ]);
  });

  it('C15 applies --host-interface-name to its one network', () => {
    const demo = { networks: [{ network: 'demo' }] };
    const options = { id: 'web', network: [demo], hostInterfaceName: 'web-host' };
    expect(containerRequest(options).networks).toEqual([{ network: 'demo', hostInterfaceName: 'web-host' }]);
    expect(() => containerRequest({ ...options, network: [demo, demo] })).toThrow(
      refused('payload.invalid', '--host-interface-name: give it to one of the networks'),
    );
  });

  it('a request applies --network-alias to all of its networks', () => {
    const network = [{ networks: [{ network: 'one', aliases: ['first'] }] }, { networks: [{ network: 'two' }] }];
    expect(containerRequest({ id: 'web', network, networkAlias: ['www'] }).networks).toEqual([
      { network: 'one', aliases: ['first', 'www'] },
      { network: 'two', aliases: ['www'] },
    ]);
  });

  it('a request takes the mode from --network', () => {
    expect(containerRequest({ id: 'web', network: [{ mode: 'host' }] })).toEqual({ id: 'web', mode: 'host' });
    expect(containerRequest({ id: 'web', network: [{ mode: 'none' }], mode: 'none' })).toMatchObject({ mode: 'none' });
  });

  it('a request refuses a mode beside a network, and two modes', () => {
    const demo = { networks: [{ network: 'demo' }] };
    expect(() => containerRequest({ id: 'web', network: [{ mode: 'none' }, demo] })).toThrow(
      refused('payload.invalid', '--network none: cannot be used with another --network'),
    );
    expect(() => containerRequest({ id: 'web', network: [{ mode: 'none' }], mode: 'host' })).toThrow(
      refused('payload.invalid', '--mode host'),
    );
  });

  it('a request contains the pod and the name servers', () => {
    expect(containerRequest({ id: 'web', pod: 'shop', dns: ['9.9.9.9'] })).toEqual({
      id: 'web',
      pod: 'shop',
      dnsServers: ['9.9.9.9'],
    });
  });

  it('a request refuses --ip without a network, and with several networks', () => {
    const network = [{ networks: [{ network: 'one' }, { network: 'two' }] }];
    expect(() => containerRequest({ id: 'web', ip: ['10.89.0.5'] })).toThrow(refused('payload.invalid', '--ip'));
    expect(() => containerRequest({ id: 'web', ip: ['10.89.0.5'], network: [{ mode: 'host' }] })).toThrow(
      refused('payload.invalid', '--ip: needs a --network'),
    );
    expect(() => containerRequest({ id: 'web', ip: ['10.89.0.5'], network })).toThrow(
      refused('payload.invalid', 'one of the networks'),
    );
  });
});

describe('P18 labels, owner and deadline of a container', () => {
  it("P18 a request accepts labels in podman's spelling", () => {
    expect(collectLabels('b', collectLabels('a=1=2'))).toEqual({ a: '1=2', b: '' });
    expect(collectLabels('a=2', { a: '1' })).toEqual({ a: '2' });
    for (const text of ['', '=x']) expect(() => collectLabels(text)).toThrow(refused('payload.invalid', '--label'));
    expect(containerRequest({ id: 'web', label: { a: '1' } })).toEqual({ id: 'web', labels: { a: '1' } });
  });

  it('P18 a request has the command line as its owner, unless it names another', async () => {
    expect(await readWishes(['web'], {})).toEqual([{ id: 'web', owner: 'cli' }]);
  });

  it('P18 a request accepts a deadline as a duration', async () => {
    const parse = durationParser('--start-within', mostStartWithinMs);
    const wanted = { '30s': 30_000, '500ms': 500, '1.5m': 90_000, '366d': mostStartWithinMs };
    for (const [text, ms] of Object.entries(wanted)) expect(parse(text)).toBe(ms);
    for (const text of ['0s', '30', 'soon', '-1s', '367d', ''])
      expect(() => parse(text)).toThrow(refused('payload.invalid', '--start-within'));
    expect(await readWishes(['web'], { startWithin: 30_000 })).toMatchObject([{ startWithinMs: 30_000 }]);
  });
});

describe('P10 a container without --network', () => {
  const onDefault = { id: 'web', networks: [{}], owner: 'cli' };

  it('P10 a container without --network is on the default network, as with podman', async () => {
    expect(await readWishes(['web'], {}, false)).toEqual([onDefault]);
    expect(await readWishes(['web'], { publish: [{ containerPort: 80 }] })).toMatchObject([onDefault]);
    expect(await readWishes(['web'], { ip: ['10.88.0.5'] })).toMatchObject([
      { networks: [{ staticIps: ['10.88.0.5'] }] },
    ]);
    expect(await readWishes(['web'], { removeOnExit: true })).toMatchObject([onDefault]);
  });

  it('P10 a set-up with only an ID uses the stored wish', async () => {
    expect(await readWishes(['web'], {})).toEqual([{ id: 'web', owner: 'cli' }]);
    expect(await readWishes(['web'], { startWithin: 1_000 })).toEqual([
      { id: 'web', startWithinMs: 1_000, owner: 'cli' },
    ]);
  });

  it('P10 a container with a mode is on no default network', async () =>
    expect(await readWishes(['web'], { mode: 'none' }, false)).toEqual([{ id: 'web', mode: 'none', owner: 'cli' }]));
});

describe('--file', () => {
  it('a missing --file is refused', async () => {
    await expect(readWishes(['web'], { file: '/nowhere/wish.json' })).rejects.toEqual(
      refused('payload.invalid', '/nowhere/wish.json'),
    );
  });
});

describe('P21 several containers', () => {
  it('P21 several containers get equal requests, each under its ID', async () => {
    expect(await readWishes(['web', 'db', 'web'], { dns: ['192.0.2.9'], networkAlias: undefined })).toEqual([
      { id: 'web', networks: [{}], dnsServers: ['192.0.2.9'], owner: 'cli' },
      { id: 'db', networks: [{}], dnsServers: ['192.0.2.9'], owner: 'cli' },
    ]);
  });

  it.each([
    [{ name: 'web' }, '--name'],
    [{ pid: 42 }, '--pid'],
    [{ ip: ['10.89.0.5'], network: [{ networks: [{ network: 'web' }] }] }, '--ip'],
    [{ macAddress: '02:00:00:00:00:01', network: [{ networks: [{ network: 'web' }] }] }, '--mac-address'],
    [{ hostInterfaceName: 'veth-web', network: [{ networks: [{ network: 'web' }] }] }, '--host-interface-name'],
    [{ publish: [{ hostPort: 8080, containerPort: 80 }] }, '--publish with host port 8080'],
    [{ network: [parseNetworkArgument('web:ip=10.89.0.5')] }, '--network with ip='],
    [{ network: [parseNetworkArgument('web:mac=02:00:00:00:00:01')] }, '--network with mac='],
    [
      { network: [parseNetworkArgument('web'), parseNetworkArgument('db:host_interface_name=veth-db')] },
      '--network with host_interface_name=',
    ],
  ])('P21 several containers cannot share %j', async (options, named) =>
    expect(readWishes(['web', 'db'], options)).rejects.toEqual(
      refused('payload.invalid', `${named}: cannot be used with several containers`),
    ),
  );

  it('P21 several containers can share networks, interface names, aliases and a published port without a host port', async () => {
    const network = [parseNetworkArgument('web:interface_name=web0,alias=w')];
    const publish = [{ containerPort: 80 }, { containerPort: 81, hostPort: 0 }];
    const wishes = await readWishes(['web', 'db'], { network, publish, interfaceName: 'eth1', networkAlias: ['x'] });
    expect(wishes.map(({ id }) => id)).toEqual(['web', 'db']);
  });

  it('P21 several containers are refused before a file or stdin is read', () =>
    expect(readWishes(['web', 'db'], { file: '/nowhere/wish.json' })).rejects.toEqual(
      refused('payload.invalid', '--file: cannot be used with several containers'),
    ));
});
