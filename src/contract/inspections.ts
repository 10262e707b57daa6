import type { NetworkSettings } from '../core/network/settings.ts';
import type { ExplainedSetting } from '../core/plan/interface-settings.ts';
import type { AsOf, ContainerView, NetworkView } from '../core/view.ts';

/** settings: of the kernel, for each interface that netloom made inside */
export type ContainerInspection = {
  container: ContainerView;
  NetworkSettings: NetworkSettings;
  settings: ExplainedSetting[];
} & AsOf;

/** settings: of the kernel, for the network's bridge */
export type NetworkInspection = { network: NetworkView; settings: ExplainedSetting[] } & AsOf;

export interface PlanPreview {
  id: string;
  /** its networks that are not up: what each is made of, before the steps */
  networks: { name: string; link: string | null; steps: string[] }[];
  /** one line per step, in order */
  steps: string[];
  /** the same as data */
  plan: unknown;
  /** what teardown would do, in order */
  teardown: string[];
  /** settings of the interfaces inside, and why each is as it is */
  settings: ExplainedSetting[];
}
