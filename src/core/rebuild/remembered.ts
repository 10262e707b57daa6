import { z } from 'zod';

/** The part of a container's wish that is not in the kernel, as its record in a damaged journal has it. */
const rememberedSchema = z.object({
  id: z.string(),
  name: z.string(),
  networkName: z.string(),
  hostName: z.string().optional(),
  dnsServers: z.array(z.string()),
  removeOnExit: z.boolean(),
  labels: z.record(z.string(), z.string()).optional(),
  owner: z.string().optional(),
  attachments: z.array(z.object({ network: z.string(), slot: z.int(), aliases: z.array(z.string()) })),
});
export type Remembered = z.infer<typeof rememberedSchema>;

const recordSchema = z.looseObject({ context: z.looseObject({ wish: rememberedSchema }) });

/** Extracts containers' wishes from records of actors, by ID; leaves out records without a wish. */
export function rememberedWishes(records: ReadonlyMap<string, unknown>): Map<string, Remembered> {
  const wishes = [...records.values()].flatMap((record) => {
    const { data } = recordSchema.safeParse(record);
    return data ? [data.context.wish] : [];
  });
  return new Map(wishes.map((wish) => [wish.id, wish]));
}
