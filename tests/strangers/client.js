// A client as somebody would write it who has the contract and grpc-js, and nothing of ours.
'use strict';

const grpc = require('@grpc/grpc-js');

class Stranger {
  constructor(definition, address, metadata = {}) {
    const packages = grpc.loadPackageDefinition(definition);
    const v1 = packages.nacre.v1;
    const insecure = grpc.credentials.createInsecure();
    this.definition = definition;
    this.metadata = metadata;
    // A connection of its own, that nothing else can be on.
    const options = { 'grpc.use_local_subchannel_pool': 1 };
    this.services = Object.fromEntries(
      ['SessionService', 'LibraryService', 'AdminService', 'AccessService'].map((name) => [name, new v1[name](address, insecure, options)]),
    );
  }

  // The answer, with `requestId` beside it. Refusals are thrown, with their details decoded.
  ask(method, request, { metadata = {}, ...options } = {}) {
    const client = Object.values(this.services).find((each) => typeof each[method] === 'function');
    return new Promise((resolve, reject) => {
      let answer;
      const call = client[method](request, this.headers(metadata), options, (error, response) => {
        if (error) reject(this.refusal(error));
        answer = response;
      });
      call.on('status', (status) => {
        if (status.code === grpc.status.OK) resolve({ ...answer, requestId: status.metadata.get('x-request-id')[0] });
      });
      if (options.cancelAfterMs !== undefined) setTimeout(() => call.cancel(), options.cancelAfterMs);
    });
  }

  play(attach, options = {}) {
    const call = this.services.SessionService.Play(this.headers({}), options);
    const play = new Play(call, this);
    play.send({ attach });
    return play;
  }

  headers(more) {
    const metadata = new grpc.Metadata();
    for (const [key, value] of Object.entries({ ...this.metadata, ...more })) metadata.set(key, value);
    return metadata;
  }

  refusal(error) {
    const refused = new Error(`${error.code} ${error.details}`);
    refused.code = error.code;
    refused.details = {};
    const [bytes] = (error.metadata && error.metadata.get('grpc-status-details-bin')) || [];
    if (bytes === undefined) return refused;
    const status = this.decode('google.rpc.Status', bytes);
    refused.status = status;
    for (const any of status.details) {
      const name = any.type_url.split('/').pop();
      refused.details[name.split('.').pop()] = this.decode(name, any.value);
    }
    // A map that protobufjs reads off a descriptor stays what it is on the wire: a list of entries.
    const { ErrorInfo: info } = refused.details;
    if (Array.isArray(info.metadata)) {
      info.metadata = Object.fromEntries(info.metadata.map(({ key, value }) => [key, value]));
    }
    return refused;
  }

  decode(name, bytes) {
    const type = this.definition[name];
    if (type.deserialize) return type.deserialize(bytes);
    throw new Error(`${name} is not in the contract`);
  }

  close() {
    for (const client of Object.values(this.services)) client.close();
  }
}

// One Play stream. Credit is given back for each chunk that is read.
class Play {
  constructor(call, stranger) {
    this.call = call;
    this.chunks = [];
    this.acks = [];
    this.waiting = [];
    this.isOver = false;
    call.on('metadata', (metadata) => {
      this.requestId = metadata.get('x-request-id')[0];
    });
    call.on('data', (message) => this.onMessage(message));
    call.on('error', (error) => {
      this.refusal = stranger.refusal(error);
    });
    call.on('status', () => {
      this.isOver = true;
      this.wake();
    });
  }

  send(message) {
    this.call.write(message);
  }

  onMessage(message) {
    const kind = message.message;
    if (kind === 'media') {
      this.chunks.push(message.media);
      this.send({ credit: { chunks: 1 } });
    } else if (kind === 'ack') {
      this.acks.push(message.ack);
    } else {
      this[kind] = message[kind];
      if (kind === 'ended') this.call.end();
    }
    this.wake();
  }

  // Until `find` finds something. Throws what ended the stream, if that comes first.
  async until(find) {
    for (;;) {
      const found = find(this);
      if (found) return found;
      if (this.isOver) throw this.refusal || new Error('the stream ended before it came');
      await new Promise((resolve) => this.waiting.push(resolve));
    }
  }

  wake() {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  ack(id, outcome) {
    return this.until(({ acks }) => acks.find((ack) => ack.control_id === id && ack.outcome === outcome));
  }

  over() {
    return this.until(({ isOver }) => isOver).then(() => this.refusal);
  }
}

module.exports = { Stranger };
