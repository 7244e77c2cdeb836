<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

/**
 * How a step of the set-up assistant ended.
 */
enum State: string
{
    case Good = 'good';
    case Warning = 'warning';
    case Bad = 'bad';
    /** It could not be tested because an earlier step failed. */
    case Later = 'later';
}
