/** Another way to give a container its network, measured beside netloom: one container at a time, two published ports. */
export interface Peer {
  readonly name: string;
  /** What is missing to measure it here; null when nothing is missing. */
  missing(): string | null;
  /** Makes what exists once per host or network (bridge, base rules), not measured. */
  open(): Promise<void>;
  /** Milliseconds. */
  setup(index: number): Promise<number>;
  teardown(index: number): Promise<number>;
  /** Resolves when no work of earlier containers is under way. */
  settle?(): Promise<void>;
}
