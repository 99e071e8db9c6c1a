import { Worker } from 'node:worker_threads';
import { fromTransferred } from '../../../base/transferred-error.js';
import { workerFile } from '../../../base/worker-file.js';
import type { ReplicaReply, ReplicaRequest, ReplicaTask } from './replica-worker.js';

/** A thread with a session of its own. One request at a time. */
export interface ReplicaThread {
  /** Runs the program on what lies in the shared blocks. @throws what ONNX Runtime throws there */
  run(): Promise<void>;
  /** Releases the session and ends the thread. */
  close(): Promise<void>;
}

/** @throws MaeError `ENGINE_UNAVAILABLE` or `TRACE_UNSUPPORTED` from the thread's session */
export async function startReplica(task: ReplicaTask): Promise<ReplicaThread> {
  const worker = new Worker(workerFile('replica-worker'), { workerData: task });
  const ended = new Promise<void>((resolve) =>
    worker.once('exit', () => {
      resolve();
    }),
  );
  let failure: Error | undefined;
  let pending: PromiseWithReject | undefined;
  const settle = (error: Error | undefined): void => {
    const settled = pending;
    pending = undefined;
    // A thread that nobody waits for must not keep the process alive.
    worker.unref();
    if (error === undefined) settled?.resolve();
    else settled?.reject(error);
  };
  const fail = (error: Error): void => {
    failure ??= error;
    settle(failure);
  };
  worker.on('message', ({ error }: ReplicaReply) => {
    settle(error === undefined ? undefined : fromTransferred(error));
  });
  worker.on('error', fail);
  worker.on('exit', (code) => {
    fail(new Error(`A replica of "${task.name}" has ended with exit code ${code}.`));
  });
  const answer = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      if (failure !== undefined) {
        reject(failure);
        return;
      }
      pending = { resolve, reject };
      worker.ref();
    });
  const ask = (request: ReplicaRequest): Promise<void> => {
    const answered = answer();
    if (failure === undefined) worker.postMessage(request);
    return answered;
  };
  await answer();
  return {
    run: () => ask('run'),
    async close() {
      if (failure !== undefined) return;
      await ask('close');
      worker.ref();
      await ended;
    },
  };
}

interface PromiseWithReject {
  resolve(): void;
  reject(error: Error): void;
}
