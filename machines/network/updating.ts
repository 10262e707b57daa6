import { assertEvent } from 'xstate';
import { containerAddress } from '../../src/core/actor-address.ts';
import type { NetworkEvent } from '../../src/core/actor-event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import { fileOf } from '../../src/core/network/file.ts';
import { changeableOptions, networkSettings } from '../../src/core/network/options.ts';
import { changeable, updateRefusal } from '../../src/core/network/update.ts';
import { updatePlan } from '../../src/core/plan/network.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { commandOf, isResultOf } from '../decisions.ts';
import { present } from '../present.ts';
import {
  definitionForFirst,
  definitionOf,
  grantOf,
  type NetworkContext,
  updateOf,
  wantsOtherFirewall,
} from './context.ts';
import { decide, type Given, remember, resultOf } from './decisions.ts';

/** Changes of a network that containers may be using. */

/** Checks whether the file changes: not everything that an engine reports about a network is in its file. */
const saysOtherInFile = (context: NetworkContext): boolean =>
  JSON.stringify(fileOf(definitionOf(context))) !== JSON.stringify(fileOf(updateOf(context)));

/** Returns the definition with the file's values that may change while containers use the network. */
function withNews(definition: NetworkDefinition, { network_dns_servers, options }: NetworkDefinition) {
  const lasting = Object.entries(definition.options).filter(([name]) => !changeableOptions.includes(name));
  return { ...definition, network_dns_servers, options: { ...Object.fromEntries(lasting), ...changeable(options) } };
}

function updateFault(context: NetworkContext, event: NetworkEvent): Fault | null {
  if (event.type !== 'network.update') return null;
  const { addDnsServers, dnsServers = [], options } = event;
  const nameServers = [...addDnsServers, ...dnsServers];
  return updateRefusal(definitionOf(context), { nameServers, options });
}

/** Returns the plan of the change. A network without a file gets none; a definition that came from the file is there already. */
export const changePlan = (context: NetworkContext, isFiled: boolean): Plan =>
  updatePlan(definitionOf(context), grantOf(context, context.update), {
    isUp: context.device !== null,
    writes: isFiled && context.command !== null && saysOtherInFile(context),
  });

export const updatingActions = {
  keepUpdate: remember(({ context, event }) => {
    const definition = definitionOf(context);
    const news = context.news ?? event;
    if (news.type === 'definition.found') return { update: withNews(definition, news.definition), command: null };
    assertEvent(event, 'network.update');
    const { addDnsServers, removeDnsServers, dnsServers = definition.network_dns_servers } = event;
    const kept = dnsServers.filter((server) => !removeDnsServers.includes(server));
    const network_dns_servers = [...new Set([...kept, ...addDnsServers])];
    const options = { ...definition.options, ...event.options };
    return { update: { ...definition, network_dns_servers, options }, command: event.command };
  }),
  keepFirewall: remember(({ context }) => ({ update: definitionForFirst(context), command: null })),
  /** Tells members about another spoofing guard: the container sets what its link may send. */
  tellGuard: decide(({ context }) => {
    const { spoofing } = networkSettings(updateOf(context));
    if (spoofing === networkSettings(definitionOf(context)).spoofing) return [];
    return Object.keys(context.leases).map((id) => ({
      kind: 'tell',
      to: containerAddress(id),
      event: { type: 'lease.changed', command: null, network: context.name, spoofing },
    }));
  }),
  keepUpdated: remember(({ context }) => ({ definition: context.update, update: null })),
  announceUpdated: decide(({ context }) => {
    const data = { definition: updateOf(context) };
    return [
      { kind: 'announce', fact: 'updated', data },
      { kind: 'reply', command: context.command, output: data },
    ];
  }),
  replyUpdateFailed: decide(({ context: { command }, event }) => {
    assertEvent(event, 'steps.failed');
    return [{ kind: 'reply', command, fault: event.fault }];
  }),
  refuseUpdate: decide(({ context: { command, name } }) => [
    {
      kind: 'reply',
      command,
      fault: fault('network.busy', `network ${name} was being changed when the host shut down`),
    },
  ]),
  dropUpdate: remember(() => ({ update: null })),
  refuseUnfit: decide(({ context, event }) => [
    { kind: 'reply', command: commandOf(event), fault: present(updateFault(context, event), 'the refusal') },
  ]),
};

export const updatingGuards = {
  isUpdate: resultOf('update'),
  isUpdateOfDevice: ({ context, event }: Given) => isResultOf(event, 'update') && context.device !== null,
  isUpdateOfFirewall: ({ context: { definition, update }, event }: Given) =>
    isResultOf(event, 'update') && update?.firewall !== definition?.firewall,
  cannotBeUpdated: ({ context, event }: Given) => updateFault(context, event) !== null,
  wantsOtherFirewall: ({ context }: Given) => wantsOtherFirewall(context),
};
