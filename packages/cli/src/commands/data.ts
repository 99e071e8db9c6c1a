import { Command } from 'commander';
import { dataCheckCommand } from './data/check.js';
import { dataConvertCommand } from './data/convert.js';
import { dataCropCommand } from './data/crop.js';
import { dataEvaluateCommand } from './data/evaluate.js';
import { dataShowCommand } from './data/show.js';
import { dataSplitCommand } from './data/split.js';
import { dataStatsCommand } from './data/stats.js';

/** Commands that look at data sets and results, without a model. */
export function dataCommand(): Command {
  return new Command('data')
    .description('check, count, draw, score, crop, convert and split data sets')
    .addCommand(dataCheckCommand())
    .addCommand(dataStatsCommand())
    .addCommand(dataShowCommand())
    .addCommand(dataEvaluateCommand())
    .addCommand(dataCropCommand())
    .addCommand(dataConvertCommand())
    .addCommand(dataSplitCommand());
}
