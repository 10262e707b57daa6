import type { RouteType } from '../link-modes.ts';
import { type StepKinds, within } from './kind.ts';

interface Route {
  netns: string | null;
  destination: string;
  gateway: string | null;
  link: string | null;
  metric: number | null;
  /** default: unicast */
  type?: RouteType;
}

export interface RouteSteps {
  /** ip route add [<type>] <destination> via <gateway> dev <link> metric <metric> proto static */
  'route.add': Route;
  /** ip route delete … */
  'route.delete': Route;
}

const describe = ({ type = 'unicast', destination, gateway, netns }: Route): string =>
  `${type === 'unicast' ? '' : `${type} `}${destination}${gateway ? ` via ${gateway}` : ''}${within(netns)}`;

export const routeSteps: StepKinds<keyof RouteSteps> = {
  'route.add': { inverse: (step) => ({ ...step, verb: 'route.delete' }), describe },
  'route.delete': { inverse: null, describe },
};
