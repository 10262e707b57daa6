import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import { networksOf } from '../../src/core/container/attachments.ts';
import type { ContainerRequest } from '../../src/core/container/request.ts';
import { containerWish } from '../../src/core/container/wish.ts';
import type { Step } from '../../src/core/steps/step.ts';
import type { Scenario } from './fault-sweep-scenarios.ts';
import type { Command } from './fault-sweep-site.ts';

/** Events of commands that have several steps: one decision each. The only place that knows their shapes. */
export const changes = {
  attach: (request: ContainerRequest): Command => [
    containerAddress(request.id),
    { type: 'container.attach', wish: containerWish(request), asked: networksOf(request, 'podman'), inode: null },
  ],
  detach: (id: string, networks: string[]): Command => [containerAddress(id), { type: 'container.detach', networks }],
  removeForced: (name: string): Command => [networkAddress(name), { type: 'network.remove', force: true }],
  /** leftover links, and containers that were never started */
  collect: (links: readonly string[], ids: readonly string[]): Command => [
    hostAddress,
    {
      type: 'node.gc',
      steps: links.map((name): Step => ({ verb: 'link.delete', netns: null, name })),
      found: { leftovers: links.map((name) => ({ kind: 'link', name, owner: null })), doubtful: [] },
      unstarted: ids.map((id) => ({ id, name: id, owner: null })),
    },
  ],
  /** comes by itself, and is not answered */
  lose: (name: string): Command => [networkAddress(name), { type: 'definition.lost' }],
};

interface Attachment {
  network: string;
  staticIps: string[];
  aliases?: string[];
}

/** Commands and requests of the other scenarios, on the networks web, back and dual. */
export interface Terrain {
  /** three networks with a neighbour each */
  up: Command[];
  down: Command[];
  /** dual alone, without a neighbour */
  create: Command;
  removeNetwork: Command;
  attachments: Record<'onWeb' | 'onBack' | 'onDual', Attachment>;
  setup(request: ContainerRequest): Command;
  connect(id: string, attachment: Attachment): Command;
  remove(id: string): Command;
  reload(id: string): Command;
  unpublish(id: string): Command;
  backUp: Command[];
  backDown: Command[];
  ports: NonNullable<ContainerRequest['ports']>;
}

const id = 'c';

export function changeScenarios(terrain: Terrain): Record<string, Scenario> {
  return {
    ...attachScenarios(terrain),
    ...detachScenarios(terrain),
    ...networkScenarios(terrain),
    ...gcScenarios(terrain),
  };
}

function attachScenarios(terrain: Terrain): Record<string, Scenario> {
  const { up, down, setup, remove, reload, unpublish, ports } = terrain;
  const { onWeb, onBack, onDual } = terrain.attachments;
  const three = { id, networks: [onWeb, onBack, onDual] };
  return {
    'container.attach of a new container': {
      before: up,
      command: changes.attach({ ...three, ports }),
      kind: 'build',
      back: [remove(id)],
      // an engine does not end a container that it could not make
      giveUp: [],
      end: down,
    },
    'container.attach to two more networks, with ports': {
      before: [...up, setup({ id, networks: [onWeb] })],
      command: changes.attach({ ...three, ports }),
      kind: 'build',
      back: [changes.detach(id, ['back', 'dual']), unpublish(id)],
      againAfterLeftovers: [reload(id), changes.attach({ ...three, ports })],
      end: [remove(id), ...down],
    },
  };
}

function detachScenarios(terrain: Terrain): Record<string, Scenario> {
  const { up, down, setup, remove, reload, ports } = terrain;
  const { onWeb, onBack, onDual } = terrain.attachments;
  const wish = { id, networks: [onWeb, onBack, onDual], ports };
  const leave = changes.detach(id, ['back', 'dual']);
  return {
    'container.detach from two of three networks': {
      before: [...up, setup(wish)],
      command: leave,
      kind: 'dismantle',
      back: [changes.attach(wish)],
      again: [reload(id), leave],
      end: [remove(id), ...down],
    },
    'container.detach from all networks': {
      before: [...up, setup(wish)],
      command: changes.detach(id, ['web', 'back', 'dual']),
      kind: 'dismantle',
      back: [setup(wish)],
      end: [remove(id), ...down],
    },
  };
}

function networkScenarios(terrain: Terrain): Record<string, Scenario> {
  const { create, removeNetwork, setup, connect, remove, reload, backUp, backDown } = terrain;
  const { onBack, onDual } = terrain.attachments;
  const second = { network: 'dual', staticIps: ['10.89.0.10', 'fd89::10'] };
  const members = [setup({ id, networks: [onBack, onDual] }), setup({ id: 'd', networks: [second] })];
  const everything = [remove(id), remove('d'), removeNetwork, ...backDown];
  const loseFile = (directory: string) => rmSync(`${directory}/networks/dual.json`, { force: true });
  return {
    'network.remove --force with members': {
      before: [create, ...backUp, ...members],
      command: changes.removeForced('dual'),
      kind: 'dismantle',
      isRefusable: true,
      back: [create, connect(id, onDual), connect('d', second)],
      again: [reload(id), reload('d'), changes.removeForced('dual')],
      end: everything,
    },
    'definition.lost of a network with members': {
      before: [create, ...backUp, ...members],
      meanwhile: loseFile,
      command: changes.lose('dual'),
      kind: 'mend',
      back: [],
      end: everything,
    },
    'definition.lost of a network without members': {
      before: [create, setup({ id, networks: [onDual] }), remove(id)],
      meanwhile: loseFile,
      command: changes.lose('dual'),
      kind: 'dismantle',
      back: [create, setup({ id, networks: [onDual] }), remove(id)],
      end: [removeNetwork],
    },
  };
}

function gcScenarios({ backUp, backDown, setup, attachments: { onBack }, ports }: Terrain): Record<string, Scenario> {
  const leftovers = ['nl0123456789ab', 'nl0123456789ac'];
  const unstarted = setup({ id, networks: [onBack], ports });
  const collect = changes.collect(leftovers, [id]);
  return {
    'node.gc --unstarted': {
      before: [...backUp, unstarted],
      meanwhile: () => {
        for (const [index, name] of leftovers.entries())
          execFileSync('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', `half${index}`]);
      },
      command: collect,
      kind: 'dismantle',
      back: [unstarted],
      // a container that could not be taken down is not asked again
      again: [collect, changes.detach(id, ['back'])],
      end: [changes.detach(id, ['back']), ...backDown],
    },
  };
}
