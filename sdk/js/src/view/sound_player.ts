/** Sound, decoded and put on the audio context's time, one block behind the other. */

import type { Chunk, Sound } from "../media.js";
import type { PlayoutSchedule } from "./schedule.js";

/** Of one packet, as the service encodes. */
const OPUS_PACKET_S = 0.02;
const OPUS_PACKET_US = 20_000;
/** What an Opus decoder gives, whatever went into the encoder (RFC 6716, 2.1). */
export const OPUS_RATE_HZ = 48_000;
/** Blocks that are this close to each other touch: their times are rounded on the way. */
const TOUCHING_S = 0.005;
const PCM_STEPS = 32_768;
/** Packets in the browser's decoder; more of them is a jam, and begins anew. */
const MAX_QUEUED = 64;

export class SoundPlayer {
  private readonly gain: GainNode;
  private readonly playing = new Set<AudioBufferSourceNode>();
  private decoder: AudioDecoder | null = null;
  private mediaS = new Map<number, number>(); // of packets on their way through the decoder
  private numPackets = 0;
  private endS = 0;

  /** `schedule` tells when media is due on the context's time. */
  constructor(
    private readonly context: AudioContext,
    private readonly schedule: PlayoutSchedule,
    output: AudioNode,
  ) {
    this.gain = context.createGain();
    this.gain.connect(output);
  }

  set volume(volume: number) {
    this.gain.gain.value = volume;
  }

  play({ sound, format, isRepeat }: Chunk): void {
    if (sound === null || isRepeat) return;
    if (format.audio === "pcm") this.schedulePcm(sound, format.sampleRateHz, format.audioChannels);
    else this.decode(sound, format.audioChannels);
  }

  /** Sound begins anew: what was scheduled is not heard. */
  reset(): void {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    this.decoder = null;
    this.mediaS.clear();
    for (const source of this.playing) source.stop();
    this.playing.clear();
    this.endS = 0;
  }

  close(): void {
    this.reset();
    this.gain.disconnect();
  }

  private decode(sound: Sound, numberOfChannels: number): void {
    if (this.decoder && (this.decoder.state === "closed" || this.decoder.decodeQueueSize > MAX_QUEUED)) this.reset();
    this.decoder ??= this.open(numberOfChannels);
    for (const [idx, data] of sound.packets.entries()) {
      const timestamp = this.numPackets * OPUS_PACKET_US;
      this.mediaS.set(this.numPackets, sound.presentationTimeS + idx * OPUS_PACKET_S);
      this.numPackets += 1;
      this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
    }
  }

  private open(numberOfChannels: number): AudioDecoder {
    const decoder: AudioDecoder = new AudioDecoder({
      output: (data) => {
        const packet = Math.round(data.timestamp / OPUS_PACKET_US);
        const mediaS = this.mediaS.get(packet);
        this.mediaS.delete(packet);
        if (decoder === this.decoder && mediaS !== undefined) this.put(toBuffer(this.context, data), mediaS);
        data.close();
      },
      // The state says so as well, and the next chunk opens another.
      error: () => this.mediaS.clear(),
    });
    decoder.configure({ codec: "opus", sampleRate: OPUS_RATE_HZ, numberOfChannels });
    return decoder;
  }

  private schedulePcm(sound: Sound, rateHz: number, numChannels: number): void {
    const [bytes] = sound.packets;
    if (!bytes || sound.numSamples === 0) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const buffer = this.context.createBuffer(numChannels, sound.numSamples, rateHz);
    for (let channel = 0; channel < numChannels; channel += 1) {
      const samples = buffer.getChannelData(channel);
      for (let idx = 0; idx < sound.numSamples; idx += 1) {
        samples[idx] = view.getInt16((idx * numChannels + channel) * 2, true) / PCM_STEPS;
      }
    }
    this.put(buffer, sound.presentationTimeS);
  }

  private put(buffer: AudioBuffer, mediaS: number): void {
    const dueS = this.schedule.dueS(mediaS);
    if (dueS === null) return;
    const rate = this.schedule.rateAt(mediaS);
    const startS = this.onGrid(Math.abs(dueS - this.endS) < TOUCHING_S ? this.endS : dueS);
    const lateS = Math.max(0, this.context.currentTime - startS);
    this.endS = startS + buffer.duration / rate;
    if (lateS * rate >= buffer.duration) return; // over before it began
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.playbackRate.value = rate;
    source.connect(this.gain);
    source.onended = () => {
      this.playing.delete(source);
      source.disconnect();
    };
    this.playing.add(source);
    source.start(startS + lateS, lateS * rate);
  }

  /** Between two samples a block would be smoothed at either end, which is heard as a crackle. */
  private onGrid(seconds: number): number {
    return Math.round(seconds * this.context.sampleRate) / this.context.sampleRate;
  }
}

function toBuffer(context: AudioContext, data: AudioData): AudioBuffer {
  const buffer = context.createBuffer(data.numberOfChannels, data.numberOfFrames, data.sampleRate);
  for (let planeIndex = 0; planeIndex < data.numberOfChannels; planeIndex += 1) {
    data.copyTo(buffer.getChannelData(planeIndex), { planeIndex, format: "f32-planar" });
  }
  return buffer;
}
