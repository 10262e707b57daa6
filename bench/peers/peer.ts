/** Another way to give a container its network, measured beside ours: one container at a time, two published ports. */
export interface Peer {
  readonly name: string;
  /** What is missing to measure it here; null when nothing is. */
  missing(): string | null;
  /** What is made once per host or network (bridge, base rules), not measured. */
  open(): Promise<void>;
  /** Milliseconds. */
  setup(index: number): Promise<number>;
  teardown(index: number): Promise<number>;
  /** Resolves when nothing is under way any more that earlier containers have led to. */
  settle?(): Promise<void>;
}
