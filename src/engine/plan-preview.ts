import { setupRefusal } from '../../machines/container/changes/refusals.ts';
import { leaseRequest } from '../../machines/container/context.ts';
import { definitionForFirst, firstContext, grantOf, type NetworkContext } from '../../machines/network/context.ts';
import { leaseFor } from '../../machines/network/leases.ts';
import type { PlanPreview } from '../contract/container-replies.ts';
import { containerAddress } from '../core/actor-address.ts';
import { grantPorts, portConflict } from '../core/claims.ts';
import type { Attachment } from '../core/container/attachments.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import { entryOf } from '../core/entry.ts';
import { fault, NetloomError } from '../core/fault.ts';
import { deviceOf } from '../core/lease/device.ts';
import type { Lease } from '../core/lease/lease.ts';
import { defaultNetworkWish } from '../core/network/default.ts';
import { type NetworkDefinition, ownsBridge } from '../core/network/definition.ts';
import { networkDefinition } from '../core/network/wish.ts';
import { netnsOf } from '../core/plan/container/grant.ts';
import { settingsInside } from '../core/plan/container/links.ts';
import { setupPlan, teardownPlan, unlinkPlan } from '../core/plan/container/plan.ts';
import { findStep, raisePlan } from '../core/plan/network.ts';
import type { Plan } from '../core/plan/plan.ts';
import type { HostLink } from '../core/steps/host.ts';
import type { FoundLink } from '../core/steps/link.ts';
import { describeStep, type Step } from '../core/steps/step.ts';
import type { JournalViews } from './journal-views.ts';

type FindStep = Extract<Step, { verb: 'link.find' }>;

/** Inputs of a preview beside the journal. */
interface Looks {
  findLink(step: FindStep): Promise<FoundLink>;
  hostLinks(): Promise<HostLink[]>;
}

/** Plans a set-up as it would be now. Changes nothing. */
export class PlanPreviews {
  constructor(
    private readonly views: JournalViews,
    private readonly netnsDirectory: string,
    private readonly looks: Looks,
  ) {}

  /** Returns the plans of a set-up and of its teardown. Throws the fault with which the set-up would be refused. */
  async of(wish: ContainerWish): Promise<PlanPreview> {
    const links = Object.fromEntries(
      await Promise.all(
        unraisedOnOthers(this.views, wish).map(
          async (definition): Promise<[string, FoundLink]> => [
            definition.name,
            await this.looks.findLink(findStep(definition)),
          ],
        ),
      ),
    );
    const preview = previewPlan(this.views, this.netnsDirectory, wish, links);
    const wanted = preview.plan.steps.flatMap((step) => (step.verb === 'link.vacant' ? step.name : []));
    if (wanted.length > 0) refuseTaken(wish.id, wanted, await this.looks.hostLinks());
    return preview;
  }
}

/** C15: refuses names for host ends of links that other links have. */
function refuseTaken(id: string, wanted: readonly string[], links: readonly HostLink[]): void {
  const taken = links.find(({ name, owner }) => wanted.includes(name) && owner !== containerAddress(id));
  if (taken) throw new NetloomError(fault('link.exists', `interface ${taken.name} already exists`));
}

/** Lists networks on foreign links that no container has joined yet: their links must be inspected first. */
function unraisedOnOthers(views: JournalViews, { attachments }: ContainerWish): NetworkDefinition[] {
  return attachments.flatMap(({ network }) => {
    const { definition = null, device = null } = views.networkContext(network) ?? {};
    return definition && !device && !ownsBridge(definition) ? [definition] : [];
  });
}

/** `links`: those of `unraisedOnOthers`, by network */
function previewPlan(
  views: JournalViews,
  netnsDirectory: string,
  wish: ContainerWish,
  links: Readonly<Record<string, FoundLink>>,
): PlanPreview & { plan: Plan } {
  const leases = Object.fromEntries(
    wish.attachments.map((attachment) => [
      attachment.network,
      previewLease(views, wish, attachment, entryOf(links, attachment.network)),
    ]),
  );
  const conflict = portConflict(views.portLedger(), wish.id, wish.ports);
  if (conflict) throw new NetloomError(conflict);
  const shared = wish.netns.kind === 'container' ? sharedPath(views, wish.netns.id) : null;
  const netns = netnsOf(wish, netnsDirectory, shared);
  const grant = { wish, netns, leases, ports: grantPorts(views.portLedger(), wish.id, wish.ports) };
  const refusal = setupRefusal(grant);
  if (refusal) throw new NetloomError(refusal);
  const plan = setupPlan(grant);
  return {
    id: wish.id,
    networks: wish.attachments.flatMap((attachment) => missingNetwork(views, wish, attachment)),
    steps: plan.steps.map(describeStep),
    plan,
    teardown: [teardownPlan(grant), unlinkPlan(grant)].flatMap(({ steps }) => steps.map(describeStep)),
    settings: settingsInside(grant),
  };
}

/** Returns the network that would be made for its first container. */
function missingNetwork(views: JournalViews, wish: ContainerWish, attachment: Attachment): PlanPreview['networks'] {
  const context = networkFor(views, wish, attachment);
  if (context.device) return [];
  const steps = raisePlan(grantOf(context)).steps.map(describeStep);
  return [{ name: context.name, link: context.definition.network_interface, steps }];
}

type KnownNetwork = NetworkContext & { definition: NetworkDefinition };

/** Returns the network with the definition that applies to this container. */
function networkFor(views: JournalViews, { id, ports }: ContainerWish, attachment: Attachment): KnownNetwork {
  const { network } = attachment;
  const known = views.networkContext(network);
  const context = !known?.definition && attachment.isDefault ? unmadeDefault(network) : known;
  if (!context?.definition) throw new NetloomError(fault('network.unknown', `no network ${network}`));
  const waiting = [leaseRequest(id, 0, attachment, ports)];
  return { ...context, definition: definitionForFirst({ ...context, waiting }) };
}

/** Returns the default network before it is made for its first container (P10). */
function unmadeDefault(name: string): KnownNetwork {
  const wish = defaultNetworkWish(name);
  const definition = networkDefinition(wish, { bridge: wish.link, subnets: wish.subnets, created: '' });
  return { ...firstContext({ name, searchDomain: '', node: '' }), definition };
}

/** Makes the checks of the network's machine, in the same order. */
function previewLease(
  views: JournalViews,
  wish: ContainerWish,
  attachment: Attachment,
  link: FoundLink | undefined,
): Lease {
  const context = networkFor(views, wish, attachment);
  const found = link && { ...deviceOf(context.definition, link, null), made: false };
  const device = context.device ?? found ?? unraised(context.definition);
  const granted = leaseFor({ ...context, device }, context, leaseRequest(wish.id, 0, attachment, wish.ports));
  if ('code' in granted) throw new NetloomError(granted);
  return granted.lease;
}

/** Assumes defaults for a bridge that is not made yet. */
const unraised = ({ network_interface }: NetworkDefinition): NetworkContext['device'] => ({
  name: network_interface ?? 'the uplink',
  mtuBytes: null,
  addresses: [],
  names: null,
  routesLoopback: false,
  made: false,
});

function sharedPath(views: JournalViews, id: string): string {
  const { netns } = views.container(id).container;
  if (!netns) throw new NetloomError(fault('netns.gone', `container ${id} has no network namespace to share`));
  return netns.path;
}
