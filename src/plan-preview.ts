import { nowhere } from '../machines/container-changes.ts';
import { grantOf } from '../machines/network-context.ts';
import type { PlanPreview } from './bus/engine.ts';
import { portConflict } from './core/claims.ts';
import type { Attachment, ContainerWish } from './core/container.ts';
import { fault, NetloomError } from './core/fault.ts';
import { chooseAddresses, type Lease, leaseOf, leaseRefusal } from './core/lease.ts';
import {
  netnsOf,
  refusedPort,
  settingsInside,
  setupPlan,
  teardownPlan,
  unlinkPlan,
  unreachableRoute,
} from './core/plan/container.ts';
import { raisePlan } from './core/plan/network.ts';
import { describeStep } from './core/plan/step.ts';
import type { JournalViews } from './journal-views.ts';

/** What a set-up by this wish would do now, and its teardown. Throws what the set-up would be refused with. */
export function previewPlan(views: JournalViews, netnsDirectory: string, wish: ContainerWish): PlanPreview {
  const leases = Object.fromEntries(
    wish.attachments.map((attachment) => [attachment.network, previewLease(views, wish.id, attachment)]),
  );
  const conflict = portConflict(views.portLedger(), wish.id, wish.ports);
  if (conflict) throw new NetloomError(conflict);
  const shared = wish.netns.kind === 'container' ? sharedPath(views, wish.netns.id) : null;
  const netns = netnsOf(wish, netnsDirectory, shared);
  const grant = { wish, netns, leases, ports: wish.ports };
  const lost = refusedPort(grant);
  if (lost) throw new NetloomError(nowhere(wish.id, lost));
  const unreachable = unreachableRoute(grant);
  if (unreachable) throw new NetloomError(unreachable);
  const plan = setupPlan(grant);
  return {
    id: wish.id,
    networks: wish.attachments.flatMap(({ network }) => missingNetwork(views, network)),
    steps: plan.steps.map(describeStep),
    plan,
    teardown: [teardownPlan(grant), unlinkPlan(grant)].flatMap(({ steps }) => steps.map(describeStep)),
    settings: settingsInside(grant),
  };
}

/** A network is made when its first container comes. */
function missingNetwork(views: JournalViews, name: string): PlanPreview['networks'] {
  const context = views.networkContext(name);
  if (!context?.definition || context.device) return [];
  const steps = raisePlan(grantOf(context)).steps.map(describeStep);
  return [{ name, link: context.definition.network_interface, steps }];
}

function previewLease(views: JournalViews, container: string, attachment: Attachment): Lease {
  const { network, staticIps, staticMac } = attachment;
  const context = views.networkContext(network);
  if (!context?.definition) throw new NetloomError(fault('network.unknown', `no network ${network}`));
  const held = context.leases[container];
  const wanted = staticIps.length > 0 ? staticIps : [...(held ?? [])];
  const own = context.device?.addresses;
  const addresses = chooseAddresses(context.definition, context.leases, context.lastGiven, wanted, container, own);
  if ('code' in addresses) throw new NetloomError(addresses);
  const { definition, device, searchDomain } = context;
  const unraised = {
    name: definition.network_interface ?? 'the uplink',
    mtuBytes: null,
    addresses: [],
    names: null,
    routesLoopback: false,
  };
  const lessee = { container, addresses, staticMac: staticMac ?? null, attempt: 0 };
  const refusal = leaseRefusal(definition, device);
  if (refusal) throw new NetloomError(refusal);
  return leaseOf(definition, device ?? unraised, searchDomain, lessee, context.macs);
}

function sharedPath(views: JournalViews, id: string): string {
  const { netns } = views.container(id).container;
  if (!netns) throw new NetloomError(fault('netns.gone', `container ${id} has no network namespace to share`));
  return netns.path;
}
