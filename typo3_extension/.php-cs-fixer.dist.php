<?php

declare(strict_types=1);

return (new PhpCsFixer\Config())
    ->setFinder(PhpCsFixer\Finder::create()->in(__DIR__)->append([__FILE__]))
    ->setRules([
        '@PER-CS' => true,
        'concat_space' => ['spacing' => 'one'],
        'no_unused_imports' => true,
        'ordered_imports' => true,
        'cast_spaces' => ['space' => 'none'],
    ])
    ->setUsingCache(false);
