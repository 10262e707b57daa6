import type { CheckedRequest } from '../../contract/commands.ts';
import type { ContainerStatus } from '../../contract/container-replies.ts';
import type { AskedAttachment } from '../../core/container/attachments.ts';
import { type ContainerWish, containerWish } from '../../core/container/wish.ts';
import type { CommandIdentity, Engine } from './engine-interface.ts';
import { tellContainer } from './tell.ts';
import { checked, namedWish } from './wishes.ts';

/** Commands of engines that call once per network, as podman and CNI do. */

type AttachRequest = CheckedRequest<'container.attach'>;

export async function attach(
  engine: Engine,
  request: AttachRequest,
  command: CommandIdentity,
): Promise<ContainerStatus> {
  await engine.doorCalls.afterTeardowns(request.id);
  const wish = namedWish(engine, checked(containerWish(request, engine.defaultNetwork)));
  // nothing is awaited from here to the container's queue
  if (request.call) engine.doorCalls.refuseTakenBack(request.call);
  const own = { asked: askedNetworks(request, wish), inode: netnsInode(engine, wish) };
  return tellContainer(engine, wish.id, command, { type: 'container.attach', command: command.id, wish, ...own });
}

/** Keeps unnamed interfaces unnamed: each gets its name beside the existing ones. */
const askedNetworks = ({ networks }: AttachRequest, { attachments }: ContainerWish): AskedAttachment[] =>
  attachments.map(({ network, staticIps, staticMac, isDefault }, index) => ({
    ...networks?.[index],
    network,
    staticIps,
    staticMac,
    ...(isDefault && { isDefault }),
  }));

const netnsInode = (engine: Engine, { netns }: ContainerWish): number | null =>
  netns.kind === 'path' ? engine.netnsInode(netns.path) : null;

/** Answered when nothing works any longer of what it leaves; the removal of the container follows, and is published as an event. */
export function detach(
  engine: Engine,
  { id, networks, netns, call }: CheckedRequest<'container.detach'>,
  command: CommandIdentity,
): Promise<{ id: string }> {
  if (call) engine.doorCalls.takeBack(call);
  const own = { networks, ...(netns && { netns }) };
  return tellContainer(engine, id, command, { type: 'container.detach', command: command.id, ...own });
}
