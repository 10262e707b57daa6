import { describe, expect, it } from 'vitest';
import { Unobtainable } from '../support/unpacked-debian.ts';
import { differences, type Explained, listed, sightings, unseen } from './differences.ts';
import { type Podman, podmans, rootOrReason } from './newer.ts';
import { type Outcome, unshown } from './outcome.ts';
import { scenariosHere, scenariosOfNewer, scenariosOfPorts } from './scenarios/all.ts';

const scenario = 'the default network, with a published port';
const ports = 'published ports of a container on a dual-stack network';
const creating = 'podman network create, one word at a time';
const explained = (path: string, netavark: unknown, netloom: unknown, title = scenario, podman: Podman = '4.3') =>
  listed(title, podman, { path, netavark, netloom })?.path ?? null;

/** The titles of the scenarios that run with this podman. */
const titlesOf = (podman: Podman): string[] =>
  [...(podman === '4.3' ? scenariosHere : scenariosOfNewer), ...Object.values(scenariosOfPorts(podman))].map(
    ({ title }) => title,
  );

describe('the listed differences', () => {
  it.each([
    ['within.linkLocal', 'eth0 eth1', 'eth1'],
    ['within.routes.1', 'default via 10.89.1.1 dev eth1 metric 100', 'default via 10.89.1.1 dev eth1 metric 101'],
    ['killedRemains.links.0', undefined, 'podman1'],
    ['gone.0', 'silence', 'NXDOMAIN'],
  ])('the listed differences explain the deviations that they describe: %s', (path, netavark, netloom) => {
    expect(explained(path, netavark, netloom)).not.toBeNull();
  });

  it.each([
    ['a default route that is missing', 'within.routes.0', 'default via 10.88.0.1 dev eth0 metric 100', undefined],
    ['another route', 'within.routes.1', '10.88.0.0/16 dev eth0', '0.0.0.0/0 dev eth9'],
    [
      'another gateway',
      'within.routes.1',
      'default via 10.89.1.1 dev eth1 metric 100',
      'default via 10.89.1.9 dev eth1 metric 101',
    ],
    ['a link that stays', 'killedRemains.links.0', undefined, 'nl0123456789ab'],
    ['a bridge that is missing', 'remains.links.0', 'podman1', undefined],
    ['an unexpected address', 'within.linkLocal', 'eth0', 'eth0 eth1'],
    ['silence of netloom', 'gone.0', 'silence', 'silence for long'],
  ])('the listed differences explain no other deviation: %s', (_, path, netavark, netloom) => {
    expect(explained(path, netavark, netloom)).toBeNull();
  });

  it.each([
    ['-p [::]:8080:80.host [fd77::1] 8080', '-', '80'],
    ['-p 0.0.0.0:8080:80 -p [::]:8080:81.outside [fd77::1] 8080', '80', '81'],
    ['-p 0.0.0.0:8080:80 -p [::]:8080:80.outside [fd77::1] 8080', '-', '80'],
    ['-p 0.0.0.0:8080-8082:8000-8002 -p [::]:8081-8083:8001-8003.host [fd77::1] 8083', '-', '8003'],
    ['-p [::]:8080:80/udp.host [fd77::1] 8080/udp', '-', '80'],
  ])('C03 the listed differences explain how netavark 1.4 treats [::]: %s', (path, netavark, netloom) => {
    expect(explained(path, netavark, netloom, ports)).not.toBeNull();
    expect(explained(path, netavark, netloom, ports, '6.1')).toBeNull();
  });

  it.each([
    ['another port of the container', '-p [::]:8080:80.host [fd77::1] 8080', '-', '81'],
    ['a port that the mapping does not have', '-p [::]:8080:80.host [fd77::1] 8081', '-', '80'],
    [
      'silence where netavark leads to the other port',
      '-p 0.0.0.0:8080:80 -p [::]:8080:81.host [fd77::1] 8080',
      '-',
      '81',
    ],
    ['IPv4', '-p [::]:8080:80.host 10.77.0.1 8080', '-', '80'],
    ['the loopback address', '-p [::]:8080:80.host [::1] 8080', '-', '80'],
    ['silence of netloom', '-p [::]:8080:80.host [fd77::1] 8080', '80', '-'],
    ['another protocol', '-p [::]:8080:80.host [fd77::1] 8080/udp', '-', '80'],
    ['a mapping without [::]', '-p 8080:80.host [fd77::1] 8080', '-', '80'],
    ['rules that stay', '-p 0.0.0.0:8080:80 -p [::]:8080:80.left', 'rules', 'nothing'],
  ])('C03 the listed differences explain no other deviation of netavark 1.4: %s', (_, path, netavark, netloom) => {
    expect(explained(path, netavark, netloom, ports)).toBeNull();
  });

  it('C03 the listed differences explain what netavark 1.14 leaves of mappings that meet in IPv6', () => {
    const left = (title: string) => explained(`${title}.left`, 'rules', 'nothing', ports, '5.4');
    expect(left('-p 0.0.0.0:8080:80 -p [::]:8080:80')).not.toBeNull();
    expect(left('-p 8080:80')).toBeNull();
    const chance = '-p 8080:80 -p [::]:8080:81.host [fd77::1] 8080';
    expect(explained(chance, '80', '81', ports, '5.4')).not.toBeNull();
    expect(explained(chance, '-', '81', ports, '5.4')).toBeNull();
    expect(explained(chance, '81', '80', ports, '5.4')).toBeNull();
  });

  it('the listed differences explain differently worded refusals only where both mean the same', () => {
    const said = (netavark: string, netloom: string) =>
      explained(
        'of an unknown IPAM.refused.said',
        `Error: netavark: ${netavark}`,
        `Error: netavark: ${netloom}`,
        creating,
        '6.1',
      );
    const gateway = 'gateway 10.8.0.1 is outside 10.7.0.0/24';
    expect(said('gateway 10.8.0.1 not in subnet 10.7.0.0/24', gateway)).not.toBeNull();
    expect(said('Unsupported ipam driver: magic', gateway)).toBeNull();
    expect(
      said('gateway 10.8.0.1 not in subnet 10.7.0.0/24', 'command.timeout: the daemon does not answer'),
    ).toBeNull();
  });

  it('the listed differences are about scenarios that run with that podman', () => {
    const tried = Object.fromEntries(podmans.map((podman) => [podman, titlesOf(podman)]));
    const untried = sightings.flatMap(({ scenarios, surely, podman = podmans, sometimes, path }) => {
      const titles = scenarios === 'several' ? [surely] : scenarios;
      if (scenarios === 'several' && sometimes) return [];
      const isTried = (title: string | undefined) => podman.some((one) => tried[one]?.includes(title as string));
      return titles.filter((title) => !isTried(title)).map((title) => `${path} of ${title}`);
    });
    expect(untried).toEqual([]);
  });

  it('a listed difference that does not occur is reported as missing', () => {
    const own = sightings.find(({ path }) => path === 'own');
    const [title = ''] = own?.scenarios ?? [];
    const seen = [{ title, sighting: own }] as Explained[];
    expect(unseen([title], '4.3', [])).toEqual([`own of ${title}`]);
    expect(unseen([title], '4.3', seen)).toEqual([]);
    expect(unseen([], '4.3', [])).toEqual([]);
  });

  it('the listed differences are at most twelve, each listed once', () => {
    expect(differences.length).toBeLessThanOrEqual(12);
    expect(new Set(differences.map(({ what }) => what)).size).toBe(differences.length);
  });
});

describe('the required results of a scenario', () => {
  const scenarios = podmans.flatMap((podman) => [
    ...(podman === '4.3' ? scenariosHere : scenariosOfNewer),
    ...Object.values(scenariosOfPorts(podman)),
  ]);

  it('a scenario requires more than silence on both hosts', () => {
    const silent = scenarios.filter(({ probes }) =>
      Object.values(probes).every((value) => ['nothing', 'silence', '-', ''].includes(value as string)),
    );
    expect(silent.map(({ title }) => title)).toEqual([]);
  });

  it('required results are found by their path, with keys that contain dots themselves', () => {
    const outcome: Outcome = { 'heard.10.77.0.1:80': 'a', list: [{ name: 'b saw [10.0.0.1]' }], deep: { 'x.y': 1 } };
    const shown = { 'heard.10.77.0.1:80': 'a', 'list.0.name': /^b saw /, 'deep.x.y': 1 };
    expect(unshown(shown, outcome)).toEqual({});
    expect(unshown({ 'list.1.name': /./, 'deep.x.y': 2, list: [] }, outcome)).toEqual({
      'list.1.name': null,
      'deep.x.y': 1,
      list: outcome.list,
    });
  });
});

describe('a podman under test', () => {
  it('an unavailable podman is skipped with the reason', async () => {
    const reason = rootOrReason(() => Promise.reject(new Unobtainable('no mirror')));
    expect(await reason).toEqual({ reason: expect.stringContaining('no mirror') });
  });

  it('a podman is not skipped because of a mistake in the tests', async () => {
    await expect(rootOrReason(() => Promise.reject(new TypeError('x is undefined')))).rejects.toThrow(TypeError);
  });
});
