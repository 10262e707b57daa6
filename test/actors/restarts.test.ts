import { describe, expect, it } from 'vitest';
import { networkState } from '../../machines/network/view.ts';
import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import { demo, House, onDemo, port8080, toContainer, toNetwork, web } from './house.ts';
import { expectBare, housePerTest } from './house-per-test.ts';
import { disorder } from './order.ts';

/** Restarts of the daemon and reboots of the host. */

const db = containerAddress('db');

let house: House;
housePerTest((next) => {
  house = next;
});

const leases = () => house.context(demo)?.leases;
const ports = () => Object.keys(house.context(hostAddress)?.ports ?? {});

describe('a restart of the daemon', () => {
  it('a restart of the daemon adopts what lives and announces that', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    const before = house.context(web);
    await house.crash();
    expect(house.linux.ports.size).toBe(0);
    await house.start();
    await house.settle();
    expect(house.context(web)).toEqual(before);
    expect(house.facts().slice(-3)).toEqual(['host serving', 'network/demo adopted', 'container/web adopted']);
    expect(house.linux.ports.size).toBe(2);
  });

  it('a restart of the daemon restores what is missing', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    await house.crash();
    house.linux.elements = null;
    house.linux.pins.get('/netns/netloom-web')?.links.get('eth0')?.addresses.splice(0);
    await house.start();
    await house.settle();
    expect(house.facts(web).slice(-3)).toEqual(['adopted', 'drift-detected', 'drift-healed']);
  });

  it('a restart of the daemon announces the loss of a namespace that is gone, and releases everything', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    await house.crash();
    house.linux.unpin('/netns/netloom-web');
    await house.start();
    await house.settle();
    expect(house.facts(web).slice(3)).toEqual(['lost', 'tearing-down', 'torn-down']);
    expect([house.value(web), leases(), ports()]).toEqual(['created', {}, []]);
  });

  it('a restart of the daemon reports a port that was taken; the container lives on', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    await house.crash();
    const thief = {};
    house.linux.bind({ holder: thief, protocol: 'tcp', address: '0.0.0.0', port: 8080 });
    await house.start();
    await house.settle();
    expect(house.facts(hostAddress)).toEqual(['serving', 'forwarding-on', 'port-lost', 'serving']);
    expect(house.value(web)).toEqual({ up: { process: 'configured', wiring: 'settled' } });
    house.linux.releaseAll(thief);
    await house.stop();
    await house.start();
    await house.settle();
  });

  it('a restart of the daemon reports a bridge that cannot be verified, and removes nothing', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web')));
    await house.stop();
    await house.start({ refusing: ({ verb }) => verb === 'link.bridge' });
    await house.settle();
    expect(house.facts(demo).at(-1)).toBe('degraded');
    expect(house.facts(web).at(-1)).toBe('adopted');
  });
});

describe('a reboot of the host', () => {
  it('a reboot of the host marks every container network as created again: losses are announced, leases and ports are free', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    await house.ask(db, toContainer.setup({ id: 'db', mode: 'none' }));
    await house.ask(containerAddress('idle'), toContainer.create(onDemo('idle')));
    await house.reboot();
    await house.start();
    await house.settle();
    for (const id of ['web', 'db', 'idle']) expect(house.value(containerAddress(id))).toBe('created');
    expect([house.facts(web).at(-1), house.facts(db).at(-1)]).toEqual(['lost', 'lost']);
    expect(house.facts(containerAddress('idle'))).toEqual(['created']);
    expect([leases(), ports(), networkState(house.value(demo) ?? 'absent')]).toEqual([{}, [], 'defined']);
    expectBare(house);
    expect((await house.ask(web, toContainer.setupAgain)).fault).toBeUndefined();
  });

  it('a reboot of the host leaves no command without a reply at any moment', async () => {
    await house.start();
    for (let moment = 1; moment <= 45; moment++) {
      const shaken = new House();
      await shaken.start({ diesAfter: moment });
      const commands = [
        shaken.say(demo, toNetwork.create()),
        shaken.say(web, toContainer.setup(onDemo('web', port8080))),
        shaken.say(web, toContainer.teardown),
      ];
      await shaken.settle();
      await shaken.reboot();
      await shaken.start();
      await shaken.settle();
      expect({ moment, disorder: disorder(shaken) }).toEqual({ moment, disorder: [] });
      for (const command of commands) expect(shaken.journal.replyTo(command)).not.toBeNull();
      expect(
        (await shaken.ask(networkAddress('later'), toNetwork.create({ name: 'later', subnets: null }))).fault,
      ).toBeUndefined();
      await shaken.demolish();
    }
  });
});

describe('a start after a reboot that dies as well', () => {
  it('a start after a reboot that dies as well leaves the remaining notices to the next start, and no actor gets one twice', async () => {
    await house.start();
    for (let moment = 1; moment <= 25; moment++) {
      const shaken = new House();
      await shaken.start();
      await shaken.ask(demo, toNetwork.create());
      await shaken.ask(web, toContainer.setup(onDemo('web', port8080)));
      await shaken.reboot();
      await shaken.start({ diesAfter: moment });
      await shaken.settle();
      await shaken.crash();
      await shaken.start();
      await shaken.settle();
      expect({ moment, disorder: disorder(shaken) }).toEqual({ moment, disorder: [] });
      expect({ moment, web: shaken.facts(web).slice(3) }).toEqual({ moment, web: ['lost'] });
      expect(shaken.value(web)).toBe('created');
      await shaken.demolish();
    }
  });
});
