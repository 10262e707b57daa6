import type { Family } from '../address.ts';
import type { PublishedPort } from '../port.ts';
import { anyAddress, isEverywhere, isLoopback6, publishedFamilies } from '../port.ts';
import type { Element, Unowned } from './nft.ts';
import { counterKeys } from './port-counters.ts';

/** The elements of a published port: where it leads, and what is refused. */

/** Returns the elements that publish a port towards a container's addresses (at most one per family), and count its traffic. */
export function portElements(
  port: PublishedPort,
  targets: Partial<Record<Family, string>>,
  owner: string | null,
): Element[] {
  const elements = publishedFamilies(port).flatMap((family) => {
    const target = targets[family];
    if (target === undefined || isLoopback6(port)) return [];
    const published =
      port.range > 1 && port.hostPort === port.containerPort
        ? [rangeElement(port, family, target)]
        : singleElements(port, family, target);
    return [...published, ...counterKeys(port, family).map(({ set, key }) => ({ set, key }))];
  });
  return [...elements, ...refusedElements(port, targets)].map((element) => ({ ...element, owner }));
}

/** Returns elements for published but unreachable addresses: the port is held even where the container has no IPv6. */
function refusedElements(port: PublishedPort, targets: Partial<Record<Family, string>>): Unowned[] {
  if (Object.keys(targets).length === 0) return [];
  if (!isEverywhere(port, 6) && !isLoopback6(port)) return [];
  return port.range > 1
    ? [{ set: 'refused_loopback_range6', key: [port.protocol, hostSpan(port)] }]
    : [{ set: 'refused_loopback6', key: [port.protocol, `${port.hostPort}`] }];
}

export const rangeAddress = (port: PublishedPort, family: Family): string =>
  isEverywhere(port, family) ? `${anyAddress[family]}/0` : (port.hostIp as string);

export const hostSpan = (port: PublishedPort): string => `${port.hostPort}-${port.hostPort + port.range - 1}`;

/** Returns one element for a range with the same ports on both sides. */
function rangeElement(port: PublishedPort, family: Family, target: string): Unowned {
  const key = [port.protocol, rangeAddress(port, family), hostSpan(port)];
  return { set: `published_range${family}`, key, value: [target] };
}

function singleElements(port: PublishedPort, family: Family, target: string): Unowned[] {
  return Array.from({ length: port.range }, (_, offset) => {
    const hostPort = `${port.hostPort + offset}`;
    const value = [target, `${port.containerPort + offset}`];
    return isEverywhere(port, family)
      ? { set: `published_any${family}`, key: [port.protocol, hostPort], value }
      : { set: `published_host${family}`, key: [port.protocol, port.hostIp as string, hostPort], value };
  });
}
