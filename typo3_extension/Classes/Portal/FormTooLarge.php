<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

/**
 * PHP, or a web server before the portal, has thrown a form away because it was larger than its settings allow; the
 * message names the setting.
 */
final class FormTooLarge extends \RuntimeException {}
