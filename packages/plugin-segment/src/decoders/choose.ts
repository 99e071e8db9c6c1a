import type { VitConfig } from '@mae-tasks/core-mae/task';
import type { SegmentSettings } from '../settings.js';
import type { Decoder } from './decoder.js';
import { deconvDecoder } from './deconv.js';
import { linearDecoder } from './linear.js';
import { upernetDecoder } from './upernet.js';

/** The decoder that the settings name. @throws MaeError `CONFIG_INVALID` */
export function chooseDecoder(vit: VitConfig, settings: SegmentSettings): Decoder {
  switch (settings.decoder) {
    case 'deconv':
      return deconvDecoder(vit, settings);
    case 'linear':
      return linearDecoder(vit, settings);
    case 'upernet':
      return upernetDecoder(vit, settings);
  }
}
