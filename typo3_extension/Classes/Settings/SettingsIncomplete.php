<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Settings;

/**
 * A site does not say enough of its portal. The message names the setting.
 */
final class SettingsIncomplete extends \RuntimeException {}
