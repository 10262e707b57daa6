import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { askFromOutside } from '../podman/ask.ts';
import { PodmanHost } from '../podman/host.ts';
import { missing } from '../podman/missing.ts';
import { untilAnswered } from '../support/daemon.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// The real podman makes the networks; the machine beside the host routes their subnets through it.

describe.skipIf(missing())('B05 networks made by podman', () => {
  let host: PodmanHost;
  beforeAll(async () => {
    host = await PodmanHost.open('netloom');
    await host.outside('ip route add 10.5.0.0/16 via 10.77.0.1; ip -6 route add fd05::/16 via fd77::1');
  });
  afterAll(() => host.close());

  it("B05 podman's networks are reachable from outside by published ports only, until netloom opens one of them", async () => {
    for (const [name, subnet, option] of [
      ['web', 0, ''],
      ['shut', 1, '--opt isolate=true'],
    ] as const) {
      await host.must(
        `network create --ipv6 --subnet 10.5.${subnet}.0/24 --subnet fd05:${subnet}::/64 ${option} ${name}`,
      );
      await host.start(name, `--network ${name} -p ${8080 + subnet}:80`);
    }
    const table = async () => ({
      ports: await Promise.all(['10.77.0.1:8080', '[fd77::1]:8080', '10.77.0.1:8081', '[fd77::1]:8081'].map(asked)),
      web: await Promise.all(['10.5.0.2', '[fd05::2]'].map(asked)),
      shut: await Promise.all(['10.5.1.2', '[fd05:1::2]'].map(asked)),
    });
    const asked = (address: string) => askFromOutside(host, address);
    const saw = (name: string) => [`${name} saw [10.77.0.2]`, `${name} saw [fd77::2]`];
    const ports = [...saw('web'), ...saw('shut')];
    const silence = ['nothing', 'nothing'];

    const guarded = { ports, web: silence, shut: silence };
    await untilAnswered(async () => expect(await table()).toEqual(guarded));
    expect((await host.netloom('network update shut --opt inbound=open')).exitCode).toBe(0);
    expect(await table()).toEqual({ ...guarded, shut: saw('shut') });
    expect((await host.netloom('network update shut --opt inbound=guarded')).exitCode).toBe(0);
    expect(await table()).toEqual(guarded);
  });
});
