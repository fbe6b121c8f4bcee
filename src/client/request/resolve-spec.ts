import { METER_VERSION, parseCid, parseJobSpec, type JobSpec, type JobSpecInput } from '../../protocol/index.ts';
import { ClientError } from '../errors.ts';
import { pinEngine, type EngineSurvey } from './pin-engine.ts';

export interface ResolveInit {
  survey: Pick<EngineSurvey, 'offers'>;
  /** Image names the caller may use, and their CIDs. */
  images: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** A spec with its image's name resolved, its engine pinned and defaults filled in. @throws ProtocolError SPEC_INVALID, ClientError IMAGE_UNKNOWN */
export async function resolveSpec(input: JobSpecInput, { survey, images, signal }: ResolveInit): Promise<JobSpec> {
  const asked = parseJobSpec(input);
  // One program leaves different traces in different engines, so all replicas run in the same one.
  const offers = asked.engine === 'auto' ? await survey.offers(signal) : [];
  const engine = pinEngine(asked, offers);
  const spec: JobSpec = { ...asked, engine, ...(engine === 'wasm' && { meter: asked.meter ?? METER_VERSION }) };
  if (spec.engine === 'noop') return spec;
  const known = images[spec.image];
  if (known !== undefined) return { ...spec, image: known };
  try {
    parseCid(spec.image);
  } catch {
    throw new ClientError('IMAGE_UNKNOWN', `no image named ${spec.image}`, {
      details: `known: ${Object.keys(images).join(', ') || 'none'}`,
      hint: 'name an image by its CID, make one with gadus image build, or fetch one with gadus image pull',
    });
  }
  return spec;
}
