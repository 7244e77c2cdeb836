<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

/**
 * The portal gave no answer that could be shown. The message is for the log, and quotes neither token nor key.
 */
final class PortalUnreachable extends \RuntimeException {}
