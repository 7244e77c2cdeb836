<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

/**
 * What the set-up assistant tests, in its order.
 */
enum Step: string
{
    case Settings = 'settings';
    case Key = 'key';
    case Reachable = 'reachable';
    case Clock = 'clock';
    case Audience = 'audience';
    case Access = 'access';
    case Version = 'version';
    case Connection = 'connection';
    case Origin = 'origin';
    case Page = 'page';
    case Csp = 'csp';
    case Cache = 'cache';
    case Login = 'login';
    case Delivery = 'delivery';
}
