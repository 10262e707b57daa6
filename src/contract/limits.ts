/**
 * Limits of lists. Every item of a list is compared with each later one: without limits, one request of 1 MiB would keep the
 * daemon busy for minutes, and viewers may request plans.
 */
const most = { networks: 256, ports: 1024, subnets: 64, subnet_pools: 64 };

export const tooLong = (name: keyof typeof most, list: unknown[] | null | undefined): boolean =>
  (list?.length ?? 0) > most[name];

export const longest = (name: keyof typeof most, ...within: string[]) => ({
  path: [...within, name],
  message: `at most ${most[name]} are taken`,
});
