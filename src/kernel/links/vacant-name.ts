import * as native from '#native';
import { vethGroup } from '../../core/object-names.ts';
import type { Step } from '../../core/steps/step.ts';
import { requireVacant } from '../rtnetlink/existing-links.ts';
import { retryUponNews } from './taken-mac.ts';

/**
 * Throws EEXIST if a link other than the wanted veth has the name. Waits for the link of a container that is being taken down: it
 * has been set down, and the kernel removes it some milliseconds later.
 */
export async function becomeVacant(route: native.RouteSocket, step: Step<'link.vacant'>): Promise<void> {
  const found = native.linkByName(route, step.name);
  if (found && isLeaving(found) && !isVacant(route, step))
    await retryUponNews(found.index, () => {
      const now = native.linkByName(route, step.name);
      return now?.index === found.index && isLeaving(now) ? now : null;
    });
  requireVacant(route, step);
}

const isLeaving = ({ kind, group, up }: native.LinkInfo): boolean => kind === 'veth' && group === vethGroup && !up;

function isVacant(route: native.RouteSocket, step: Step<'link.vacant'>): boolean {
  try {
    requireVacant(route, step);
    return true;
  } catch {
    return false;
  }
}
