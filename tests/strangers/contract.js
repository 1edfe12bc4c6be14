// The contract, read from its proto files or asked from the running service: the same packages either way.
'use strict';

const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const descriptor = require('protobufjs/ext/descriptor');

const OPTIONS = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
const DETAILS = 'google/rpc/error_details.proto';
const STATUS = 'google/rpc/status.proto';

function fromFiles(folders) {
  const names = ['access', 'session', 'library', 'admin', 'admission', 'error'].map((name) => `nacre/v1/${name}.proto`);
  return loader.loadSync([...names, STATUS, DETAILS], { ...OPTIONS, includeDirs: folders });
}

// Every file that the services need, by asking for each and for what it imports.
async function fromReflection(address) {
  const own = loader.loadSync(path.join(__dirname, 'reflection.proto'), OPTIONS);
  const Reflection = grpc.loadPackageDefinition(own).grpc.reflection.v1alpha.ServerReflection;
  const client = new Reflection(address, grpc.credentials.createInsecure());
  const call = client.ServerReflectionInfo();
  const answers = call[Symbol.asyncIterator]();
  const ask = async (request) => {
    call.write(request);
    const answer = (await answers.next()).value;
    if (answer.error_response) throw new Error(`${JSON.stringify(request)}: ${answer.error_response.error_message}`);
    return answer;
  };
  const listed = (await ask({ list_services: '' })).list_services_response.service.map((each) => each.name);
  const files = new Map();
  const add = async (request) => {
    for (const bytes of (await ask(request)).file_descriptor_response.file_descriptor_proto) {
      const file = descriptor.FileDescriptorProto.decode(bytes);
      if (files.has(file.name)) continue;
      files.set(file.name, bytes);
      for (const name of file.dependency) if (!files.has(name)) await add({ file_by_filename: name });
    }
  };
  for (const name of listed.filter((each) => each.startsWith('nacre.'))) await add({ file_containing_symbol: name });
  for (const name of [STATUS, DETAILS]) await add({ file_by_filename: name });
  call.end();
  client.close();
  const set = Buffer.concat([...files.values()].flatMap((bytes) => [prefix(bytes.length), bytes]));
  return loader.loadFileDescriptorSetFromBuffer(set, OPTIONS);
}

// Field 1 of FileDescriptorSet, and its length as a varint.
function prefix(length) {
  const bytes = [0x0a];
  for (; length > 127; length = Math.floor(length / 128)) bytes.push((length % 128) | 0x80);
  return Buffer.from([...bytes, length]);
}

module.exports = { fromFiles, fromReflection };
