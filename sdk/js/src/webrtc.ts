/**
 * Play over WebRTC: messages by a data channel, pictures and sound as the browser's own media. For networks that lose
 * packets, where a service has it switched on: docs/web.md.
 */

import type { Calls, Line } from "./calls.js";
import { Unavailable } from "./errors.js";
import { Socket, type Wire } from "./socket.js";

const LABEL = "nacre.v1";
const PATH = "/v1/rtc";
/** A message's pieces begin with a byte that says whether more follow. */
const LAST = 0;
const MORE = 1;
const PIECE_BYTES = 16_384;
/** Servers of the network that do not answer are not waited for. */
const GATHERING_MS = 1_000;

/** A data channel as a socket, and what comes beside it. */
class Channel implements Wire {
  onopen: Wire["onopen"] = null;
  onmessage: Wire["onmessage"] = null;
  onerror: Wire["onerror"] = null;
  onclose: Wire["onclose"] = null;
  binaryType: BinaryType = "arraybuffer";
  readonly media = new MediaStream();
  private readonly channel: RTCDataChannel;
  private begun: Uint8Array[] = [];

  constructor(
    private readonly peer: RTCPeerConnection,
    readonly url: string,
  ) {
    this.channel = peer.createDataChannel(LABEL);
    this.channel.binaryType = "arraybuffer";
    this.channel.onopen = (event) => this.onopen?.(event);
    this.channel.onclose = () => this.lose();
    this.channel.onmessage = ({ data }) => this.onPiece(data);
    peer.onconnectionstatechange = () => {
      if (peer.connectionState === "failed") this.lose();
    };
    peer.ontrack = ({ track, receiver }) => {
      // As soon as it can be: what comes is seen once it is whole, and a control's answer is waited for.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      this.media.addTrack(track);
    };
    for (const kind of ["video", "audio"]) peer.addTransceiver(kind, { direction: "recvonly" });
  }

  async offer(): Promise<string> {
    const { peer } = this;
    await peer.setLocalDescription();
    if (peer.iceGatheringState !== "complete") {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, GATHERING_MS);
        peer.onicegatheringstatechange = () => {
          if (peer.iceGatheringState !== "complete") return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return peer.localDescription!.sdp;
  }

  async accept(answer: string): Promise<void> {
    await this.peer.setRemoteDescription({ type: "answer", sdp: answer });
  }

  send(data: Uint8Array<ArrayBuffer> | string): void {
    if (typeof data === "string" || this.channel.readyState !== "open") return; // who one is was said with the offer
    for (let from = 0; from === 0 || from < data.length; from += PIECE_BYTES) {
      const piece = new Uint8Array(1 + Math.min(PIECE_BYTES, data.length - from));
      piece[0] = from + PIECE_BYTES < data.length ? MORE : LAST;
      piece.set(data.subarray(from, from + PIECE_BYTES), 1);
      this.channel.send(piece);
    }
  }

  close(): void {
    this.channel.close();
    this.peer.close();
  }

  private onPiece(data: ArrayBuffer | string): void {
    if (typeof data === "string") return this.onmessage?.(new MessageEvent("message", { data }));
    const piece = new Uint8Array(data);
    this.begun.push(piece.subarray(1));
    if (piece[0] === MORE) return;
    const whole = new Uint8Array(this.begun.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.begun.splice(0)) {
      whole.set(part, at);
      at += part.length;
    }
    this.onmessage?.(new MessageEvent("message", { data: whole.buffer }));
  }

  private lose(): void {
    this.peer.close();
    this.onclose?.(new CloseEvent("close"));
  }
}

/** What `connect({ transport: "webrtc" })` plays over. `iceServers`: to be reached by, where the service is not in reach. */
export function overWebRtc(iceServers: RTCIceServer[] = []): (calls: Calls) => Promise<Line> {
  return async (calls) => {
    if (typeof RTCPeerConnection === "undefined") throw new Unavailable("there is no WebRTC here");
    const channel = new Channel(new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" }), calls.url + PATH);
    try {
      const request = { method: "POST", headers: { "Content-Type": "application/sdp" }, body: await channel.offer() };
      const response = await calls.fetch(PATH, {}, request);
      const opened = Socket.open(channel, calls.timeoutS);
      const accepted = channel.accept(await response.text());
      const [socket] = await Promise.all([opened, accepted]);
      return Object.assign(socket, { media: channel.media });
    } catch (error) {
      channel.close();
      throw error;
    }
  };
}
