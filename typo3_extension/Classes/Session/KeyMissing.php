<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Session;

/**
 * There is no usable signing key. The message says what is wrong and never quotes a key.
 */
final class KeyMissing extends \RuntimeException {}
