import { describe, expect, it } from 'vitest';
import { type ActorAddress, containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { ContainerRequest } from '../../src/core/container/request.ts';
import { seeded } from '../support/seeded.ts';
import { House, toContainer, toNetwork } from './house.ts';
import { disorder } from './order.ts';

/**
 * Everything at once, at random: commands in a row, deaths of workers and of the daemon, reboots, a kernel that refuses
 * and people who delete things. Then the storm ends, everything is removed, and nothing may be left. A failing storm
 * names its seed (STORM_SEED=… STORMS=…).
 */
const storms = Number(process.env.STORMS ?? 25);
const firstSeed = Number(process.env.STORM_SEED ?? Date.now() % 1_000_000);
const gusts = 100;
const workers = 3;
const containers = ['a', 'b', 'c', 'd', 'e'];
const networks = ['red', 'blue'];

describe('a storm of commands, deaths and reboots', () => {
  it.each(Array.from({ length: storms }, (_, index) => firstSeed + index))(
    'a storm of commands, deaths and reboots leaves every command answered and nothing behind (seed %i)',
    async (seed) => {
      const storm = new Storm(seeded(seed));
      await storm.rage();
      await storm.clear();
      const { house, said } = storm;
      expect([...said].filter(([command]) => house.journal.replyTo(command) === null)).toEqual([]);
      expect(disorder(house)).toEqual([]);
      expect(house.journal.actors().map(({ address }) => address)).toEqual(['host']);
      expect([...house.linux.pins.keys(), ...house.linux.host.links.keys(), ...house.linux.ports]).toEqual(['lo']);
      await house.demolish();
    },
  );
});

class Storm {
  readonly house = new House();
  /** every command, by its ID: repeated after each death, as a client does that got no reply */
  readonly said = new Map<string, [to: ActorAddress, event: object]>();
  #processes: number[] = [];

  constructor(private readonly random: () => number) {}

  async rage(): Promise<void> {
    await this.house.start({ workers });
    for (let gust = 0; gust < gusts; gust++) await this.#gust();
  }

  /** Ends the storm: a last start, and everything is removed. */
  async clear(): Promise<void> {
    await this.#die(false, Number.POSITIVE_INFINITY);
    await this.house.settle();
    for (const id of containers) this.#say(containerAddress(id), { ...toContainer.remove, force: true });
    await this.house.settle();
    for (const name of networks) this.#say(networkAddress(name), toNetwork.remove);
    await this.house.settle();
  }

  async #gust(): Promise<void> {
    await this.#bury();
    const chance = this.random();
    if (chance < 0.66) this.#command();
    else if (chance < 0.72) this.#process();
    else if (chance < 0.76) this.#refuse();
    else if (chance < 0.84) await this.house.replaceWorker(this.#pick([0, 1, 2]), this.#lifetime());
    else if (chance < 0.88) await this.#die(false);
    else if (chance < 0.9) await this.#die(true);
    else await this.#lull();
  }

  #command(): void {
    const id = this.#pick(containers);
    const to = containerAddress(id);
    const name = this.#pick(networks);
    const pid = this.#pick([4711, ...this.#processes]);
    const [whom, event] = this.#pick<[ActorAddress, object]>([
      [networkAddress(name), toNetwork.create({ name, subnets: null, ipv6_enabled: this.random() < 0.5 })],
      [networkAddress(name), toNetwork.create({ name, subnets: [{ subnet: '10.1.0.0/24' }] })],
      [networkAddress(name), toNetwork.remove],
      [to, toContainer.create(this.#wish(id))],
      [to, toContainer.setup(this.#wish(id))],
      [to, toContainer.setup(this.#wish(id))],
      [to, toContainer.setupAgain],
      [to, { ...toContainer.started(pid), reportsExit: this.random() < 0.3 }],
      [to, { type: 'container.exited', pid, exitCode: 3 }],
      [to, { type: 'container.abandon' }],
      [to, { ...toContainer.teardown, force: this.random() < 0.5 }],
      [to, { ...toContainer.remove, force: this.random() < 0.5 }],
    ]);
    this.#say(whom, event);
  }

  #wish(id: string): ContainerRequest {
    const other = this.#pick(containers.filter((one) => one !== id));
    const ports = [{ hostPort: this.#pick([0, 8080, 8081]), containerPort: 80, protocol: 'tcp,udp' }];
    const removeOnExit = this.random() < 0.3;
    return this.#pick<ContainerRequest>([
      { id, mode: 'none', removeOnExit },
      { id, mode: `container:${other}` },
      { id, networks: [{ network: 'red' }], ports, removeOnExit },
      { id, networks: [{ network: 'red' }, { network: 'blue' }] },
      { id, networks: [{ network: 'blue', staticIps: this.random() < 0.3 ? ['10.1.0.9'] : [] }], ports },
    ]);
  }

  #say(to: ActorAddress, event: object): void {
    this.said.set(this.house.say(to, event), [to, event]);
  }

  #process(): void {
    if (this.random() < 0.5) this.#processes.push(this.house.linux.startProcess().pid);
    else {
      const pid = this.#processes.shift();
      if (pid !== undefined) this.house.linux.endProcess(pid);
    }
  }

  #refuse(): void {
    const verb = this.#pick([
      'route.add',
      'nft.add',
      'nft.delete',
      'netns.remove',
      'link.bridge',
      'link.gone',
      'port.hold',
    ]);
    for (const kernel of this.house.kernels) {
      if (this.random() < 0.5) kernel.failNoMore();
      else kernel.failWhen((step) => step.verb === verb, 'EIO');
    }
  }

  /** Commits and kernel steps until it ends by itself, in the middle of its work. */
  #lifetime(): number {
    return this.random() < 0.5 ? Number.POSITIVE_INFINITY : 1 + Math.floor(this.random() * 60);
  }

  async #bury(): Promise<void> {
    const dead = this.house.deadWorkers;
    if (dead.length === workers) await this.#die(false);
    else for (const index of dead) await this.house.replaceWorker(index, this.#lifetime());
  }

  async #die(rebooted: boolean, diesAfter = this.#lifetime()): Promise<void> {
    const { house } = this;
    if (rebooted) {
      await house.reboot();
      this.#processes = [];
    } else await house.crash();
    if (this.random() < 0.5) house.linux.unpin(`/netns/netloom-${this.#pick(containers)}`);
    else if (this.random() < 0.3) house.linux.elements = null;
    await house.start({ workers, diesAfter });
    for (const [command, [to, event]] of this.said) house.say(to, event, command);
  }

  async #lull(): Promise<void> {
    for (let turn = this.random() * 20; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }
}
