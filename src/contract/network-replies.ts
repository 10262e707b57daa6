import { z } from 'zod';
import type { DamagedDefinition } from '../core/network/check.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import type { ExplainedSetting } from '../core/plan/interface-settings.ts';
import { type AsOf, type DroppedFrames, type NetworkView, networkStates } from '../core/view.ts';
import {
  asOf,
  definitionFields,
  definitionSchema,
  droppedFrames,
  faultSchema,
  type Shape,
  settingsSchema,
} from './schemas.ts';

/** Replies about networks. */

const networkStateSchema = z.enum(networkStates).meta({ id: 'NetworkState' });

const networkViewSchema: z.ZodType<NetworkView> = z
  .object({
    ...definitionFields,
    state: networkStateSchema,
    device: z
      .object({
        name: z.string(),
        mtuBytes: z.int().nullable(),
        names: z
          .object({ servers: z.array(z.string()), refused: z.string().nullable() })
          .nullable()
          .describe('on an unmanaged bridge: where names are answered, or why not'),
      })
      .nullable()
      .describe('what its next container is attached to, with which MTU: bridge or parent; null while it is not up'),
    leases: z.record(z.string(), z.array(z.string())).describe('container id → addresses'),
    lastFault: faultSchema.nullable().describe('why it is degraded'),
  } satisfies Shape<NetworkView>)
  .meta({ id: 'NetworkView' });

export const networkProposedSchema: z.ZodType<{ definition: Record<string, unknown> }> = z
  .object({
    definition: z.record(z.string(), z.unknown()).describe("complete, in podman's format"),
  })
  .meta({ id: 'NetworkProposed' });

export const networkCreatedSchema: z.ZodType<{ definition: NetworkDefinition }> = z
  .object({
    definition: definitionSchema,
  })
  .meta({ id: 'NetworkCreated' });

/** Reply of inspect. settings: kernel settings of the network's bridge. */
export type NetworkInspection = { network: NetworkView; settings: ExplainedSetting[] } & AsOf;

export const networkInspectionSchema: z.ZodType<NetworkInspection & { dropped: DroppedFrames }> = z
  .object({
    network: networkViewSchema,
    settings: settingsSchema,
    dropped: droppedFrames('container'),
    ...asOf,
  })
  .meta({ id: 'NetworkInspection' });
export const networkListSchema: z.ZodType<{ networks: NetworkView[]; damaged: DamagedDefinition[] } & AsOf> = z
  .object({
    damaged: z
      .array(
        z.object({ file: z.string(), reason: z.string().describe('why, as text') }).meta({ id: 'DamagedDefinition' }),
      )
      .describe('files in the networks directory that are ignored, and why'),
    networks: z.array(networkViewSchema),
    ...asOf,
  })
  .meta({ id: 'NetworkList' });
export const networkNamedSchema: z.ZodType<{ name: string }> = z
  .object({ name: z.string() })
  .meta({ id: 'NetworkNamed' });

export const networksPrunedSchema: z.ZodType<{ removed: string[] }> = z
  .object({
    removed: z.array(z.string()).describe('names'),
  })
  .meta({ id: 'NetworksPruned' });
