// SPDX-License-Identifier: MIT
// The entry `skep/record`: recordings and replays of frames, and checkpoints of a world. It is
// imported before worlds are made, since it brings the core that can record.

export { record, type RecordOptions, type Recording } from './record/recording.js';
export { replay, type Difference, type Replayed, type ReplayOptions } from './record/replay.js';
export {
  checkpoints,
  resume,
  type CheckpointOptions,
  type Checkpoints,
  type CheckpointStats,
  type Resumed,
} from './record/checkpoints.js';
