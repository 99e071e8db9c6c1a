import { parentPort, workerData } from 'node:worker_threads';
import { toTransferred, type TransferredError } from '../../../base/transferred-error.js';
import { createSession, loadOnnxRuntime } from './session.js';
import { blockBytes, type BlockSpecs, copyBlock, tensorsIn } from './tensor-block.js';

/** Tensors that two threads see. */
export interface SharedBlock {
  readonly buffer: SharedArrayBuffer;
  readonly specs: BlockSpecs;
}

/** What a replica's thread is started with; tensors have their names in the graph. */
export interface ReplicaTask {
  readonly name: string;
  readonly model: Uint8Array;
  readonly threads: number;
  readonly parameters: SharedBlock;
  readonly batch: SharedBlock;
  /** Outputs and gradients. */
  readonly results: SharedBlock;
}

export type ReplicaRequest = 'run' | 'close';

/** The answer to each request, and once to the thread's start. */
export interface ReplicaReply {
  readonly error?: TransferredError;
}

/** ONNX Runtime takes no shared memory, so the thread has a copy of each block. */
function privateCopy({ buffer, specs }: SharedBlock) {
  const own = new ArrayBuffer(blockBytes(specs));
  return {
    tensors: tensorsIn(own, specs),
    read: () => {
      copyBlock(buffer, own);
    },
    write: () => {
      copyBlock(own, buffer);
    },
  };
}

async function serve({ name, model, threads, ...shared }: ReplicaTask): Promise<void> {
  const port = parentPort!;
  const reply = (message: ReplicaReply): void => {
    port.postMessage(message);
  };
  const session = await createSession(await loadOnnxRuntime(), model, name, { provider: 'cpu', threads });
  const parameters = privateCopy(shared.parameters);
  const batch = privateCopy(shared.batch);
  const results = privateCopy(shared.results);
  const inputs = new Map([...parameters.tensors, ...batch.tensors]);
  const run = async (): Promise<void> => {
    parameters.read();
    batch.read();
    await session.run(inputs, results.tensors);
    results.write();
  };
  port.on('message', (request: ReplicaRequest) => {
    const done = request === 'run' ? run() : session.release();
    void done
      .then(
        () => {
          reply({});
        },
        (error: unknown) => {
          reply({ error: toTransferred(error) });
        },
      )
      .then(() => {
        if (request === 'close') port.close();
      });
  });
  reply({});
}

serve(workerData as ReplicaTask).catch((error: unknown) => {
  parentPort!.postMessage({ error: toTransferred(error) } satisfies ReplicaReply);
  parentPort!.close();
});
