/**
 * Everything a granted runner keeps on disk and offers to its children, opened together and closed together.
 *
 * K1. Nothing of it exists before the grant: a runner that is denied leaves no trace in the run's directory.
 */
import { RUN_FILES, type RunnerContract } from '../../supervisor/runners/contract.ts';
import type { SecretSet } from '../../supervisor/runners/redaction.ts';
import { ArtifactCopies } from './artifact-copies.ts';
import { ChildDesk } from './child-desk.ts';
import { Door } from './door.ts';
import { ExitRecordFile } from './exit-record.ts';
import type { FilePort } from './file-port.ts';
import { GateWaits } from './gate-waits.ts';
import { OutputLog } from './output-log.ts';
import { OutputTap } from './output-tap.ts';
import { Recording } from './recording.ts';
import { ReportDesk } from './report-desk.ts';
import { SpoolFile } from './spool-file.ts';
import { Viewers } from './viewers.ts';

/** A recording holds as much as all files of the log together. */
const RECORDING_LOGS = 4;

export class RunDesk {
  readonly reports: ReportDesk;
  readonly gates = new GateWaits();
  readonly log: OutputLog;
  readonly tap: OutputTap;
  readonly viewers: Viewers;
  readonly children: ChildDesk;
  readonly door: Door;
  readonly exitRecord: ExitRecordFile;
  readonly #contract: RunnerContract;
  readonly #files: FilePort;
  readonly #spool: SpoolFile;
  #recording: Recording | null = null;

  /** @throws EEXIST when this epoch has a spool: another runner of it was granted before. */
  constructor(
    contract: RunnerContract,
    parts: {
      readonly instance: string;
      readonly secrets: SecretSet;
      readonly files: FilePort;
      readonly onActivity: () => void;
    },
  ) {
    const { files, secrets, instance, onActivity } = parts;
    const directory = contract.runDirectory;
    this.#contract = contract;
    this.#files = files;
    this.#spool = new SpoolFile(`${directory}/${RUN_FILES.spool(contract.epoch)}`, files);
    this.reports = new ReportDesk(this.#spool);
    this.exitRecord = new ExitRecordFile({ directory, epoch: contract.epoch, instance }, files);
    this.log = new OutputLog({ directory, bytesMax: contract.logBytesMax, files });
    this.tap = new OutputTap(secrets, this.log);
    this.viewers = new Viewers(contract.token, this.tap);
    const { cookie, mayFollowUp, worktreePath, artifactsDirectory } = contract;
    const artifacts = new ArtifactCopies({ worktreePath, artifactsDirectory, secrets });
    const { reports, gates } = this;
    this.children = new ChildDesk({ cookie, mayFollowUp, reports, gates, artifacts, secrets, onActivity });
    this.door = new Door(contract.socketPath, this.children, this.viewers);
  }

  /** Records the terminal from now on. */
  record(): void {
    const path = `${this.#contract.runDirectory}/${RUN_FILES.recording}`;
    const bytesMax = this.#contract.logBytesMax * RECORDING_LOGS;
    const recording = new Recording({ path, bytesMax, files: this.#files }, this.viewers.size);
    this.#recording = recording;
    this.tap.addSink((bytes) => recording.output(bytes));
    this.viewers.onResize = (size) => recording.resize(size);
  }

  async close(): Promise<void> {
    await this.door.close();
    this.#recording?.close();
    this.log.close();
    this.#spool.close();
  }
}
